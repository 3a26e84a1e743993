"""The notebook server's configuration. What differs from one environment to the next comes in variables."""

import os

from modelyard_hub.terminal import shell_command

c = get_config()  # type: ignore[name-defined]  # noqa: F821

# Only what an environment needs; the rest of what is installed beside us stays off.
c.ServerApp.jpserver_extensions = {
    "jupyterlab": True,
    "jupyter_server_terminals": True,
    "modelyard_jupyter": True,
    "jupyter_lsp": False,
    "notebook_shim": False,
}
c.ServerApp.root_dir = os.environ["JUPYTERHUB_ROOT_DIR"]
c.ServerApp.terminado_settings = {"shell_command": shell_command(os.environ)}
c.ServerApp.kernel_spec_manager_class = "jupyter_client.kernelspec.KernelSpecManager"
c.KernelSpecManager.ensure_native_kernel = False  # our own Python is no kernel
c.MappingKernelManager.kernel_manager_class = "modelyard_hub.kernel.LimitedKernelManager"
c.MappingKernelManager.default_kernel_name = "python3"
c.LabApp.extension_manager = "readonly"  # an extension would be installed for everybody
c.LabApp.news_url = None
c.LabApp.check_for_updates_class = "jupyterlab.NeverCheckForUpdate"
c.ServerApp.shutdown_no_activity_timeout = 0
c.ServerApp.open_browser = False
