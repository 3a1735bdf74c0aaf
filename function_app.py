"""Ferry's Functions app: reads the settings and registers the functions of the roles that are switched on."""

import azure.functions as func

from ferry.services import settings
from ferry.telemetry import configure_logging
from shared_fns.blueprint import blueprint as shared_blueprint

configure_logging(settings().participant_id, settings().log_level)

if settings().telemetry:
    from ferry.telemetry.export import configure_telemetry

    configure_telemetry(settings().participant_id, settings().telemetry)

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

if "consumer" in settings().roles:
    from consumer_fns.blueprint import blueprint as consumer_blueprint

    app.register_functions(consumer_blueprint())
if "provider" in settings().roles:
    from provider_fns.blueprint import blueprint as provider_blueprint

    app.register_functions(provider_blueprint())
if "dataplane" in settings().roles:
    from provider_fns.data_plane import blueprint as data_plane_blueprint

    app.register_functions(data_plane_blueprint())

app.register_functions(shared_blueprint())
