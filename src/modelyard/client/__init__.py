"""The SDK: everything the API does, typed.

from modelyard.client import Client

with Client() as yard:
    run = yard.submit_run("delay", parameters={"origin": "JFK"}, hardware="small")
    print(yard.wait(run).verdict)
"""

from .client import Client

__all__ = ["Client"]
