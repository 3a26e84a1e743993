"""Everything that makes a stock JupyterHub ours, in one function."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from modelyard.core.caller import ADMIN, READ, WRITE

from .catalog import Catalog
from .login import OnceAuthenticator
from .settings import HubSettings
from .spawner import EnvironmentSpawner

HERE = Path(__file__).parent
SERVICE = "modelyard"
SERVICE_ACCESS = f"access:services!service={SERVICE}"


def configure(c: Any, settings: HubSettings) -> None:
    _configure_addresses(c, settings)
    _configure_people(c, settings)
    _configure_environments(c, settings)
    c.JupyterHub.template_paths = [str(HERE / "templates")]
    c.JupyterHub.template_vars = {"platform_path": settings.prefix + "/"}
    c.JupyterHub.default_url = "/hub/home"


def _configure_addresses(c: Any, settings: HubSettings) -> None:
    home = settings.home
    c.JupyterHub.bind_url = settings.public_url
    c.JupyterHub.hub_bind_url = f"http://127.0.0.1:{settings.hub_port}"
    c.JupyterHub.db_url = home.hub_database
    c.JupyterHub.upgrade_db = True
    c.JupyterHub.cookie_secret = bytes.fromhex(home.secret("cookie-secret"))
    c.JupyterHub.log_level = "INFO"
    # The supervisor starts the proxy. Neither it nor the environments go when the hub does.
    c.ConfigurableHTTPProxy.should_start = False
    c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{settings.proxy_api_port}"
    c.ConfigurableHTTPProxy.auth_token = home.secret("proxy-token")
    c.JupyterHub.last_activity_interval = 60  # which also looks after the proxy's routes
    c.JupyterHub.cleanup_servers = False
    c.JupyterHub.cleanup_proxy = False
    c.JupyterHub.init_spawners_timeout = 10
    # Ports are no part of a cookie's scope: two yards on one machine would log each other out.
    c.JupyterHub.cookie_host_prefix_enabled = False
    # A person sees the pending page at once, and a start that fails early can't meet the race of jupyterhub#4244.
    c.JupyterHub.tornado_settings = {"slow_spawn_timeout": 0, "modelyard": settings, "catalog": Catalog(settings)}


def _configure_people(c: Any, settings: HubSettings) -> None:
    home, user = settings.home, settings.user
    c.JupyterHub.authenticator_class = OnceAuthenticator
    c.OnceAuthenticator.home_folder = str(home.path)
    c.Authenticator.admin_users = {user}
    c.Authenticator.allow_all = True  # a link is the permission
    c.JupyterHub.custom_scopes = {
        READ: {"description": "See one's own models, runs and costs"},
        WRITE: {"description": "Save models, start and cancel runs"},
        ADMIN: {"description": "Everybody's objects, and the catalog", "subscopes": [READ, WRITE]},
    }
    c.JupyterHub.services = [
        {
            "name": SERVICE,
            "url": f"http://127.0.0.1:{settings.platform_port}",
            "api_token": home.secret("service-token"),
            "oauth_redirect_uri": f"{settings.prefix}/oauth_callback",
            "oauth_no_confirm": True,
            "oauth_client_allowed_scopes": [SERVICE_ACCESS, READ, WRITE, ADMIN],
            "display": False,  # it has its own place in the navigation
        },
        {"name": "supervisor", "api_token": home.secret("supervisor-token")},
    ]
    c.JupyterHub.extra_user_scopes = [SERVICE_ACCESS, f"{READ}!user", f"{WRITE}!user"]
    c.JupyterHub.load_roles = [
        {
            "name": SERVICE,
            "scopes": ["admin:servers", "admin:server_state", "list:users", "read:users", ADMIN],
            "services": [SERVICE],
        },
        {"name": "supervisor", "scopes": ["admin:users", "tokens", "proxy", ADMIN], "services": ["supervisor"]},
        {"name": "yard-admin", "scopes": [ADMIN], "users": [user]},
    ]


def _configure_environments(c: Any, settings: HubSettings) -> None:
    c.JupyterHub.spawner_class = EnvironmentSpawner
    c.JupyterHub.allow_named_servers = True
    c.JupyterHub.named_server_limit_per_user = 50
    c.JupyterHub.redirect_to_server = False
    c.Spawner.start_timeout = 15 * 60  # the first use of a base image builds it
    c.Spawner.http_timeout = 30
    c.Spawner.default_url = "/lab"
    c.Spawner.poll_interval = 10
    c.Spawner.consecutive_failure_limit = 0  # one user's broken environment must not end the hub
    c.Spawner.server_token_scopes = [
        "users:activity!user",
        "access:servers!server",
        SERVICE_ACCESS,
        f"{READ}!user",
        f"{WRITE}!user",
    ]
