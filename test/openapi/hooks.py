"""What schemathesis needs of SecureConnect beside its document."""

import uuid

import requests
import schemathesis


@schemathesis.auth()
class FreshUser:
    """A user who just registered. After a logout or a deleted account, the 401 asks for another one."""

    def get(self, case, context):
        name = uuid.uuid4().hex
        user = {"email": f"{name}@example.org", "username": name, "password": name}
        url = f"{case.operation.schema.get_base_url().rstrip('/')}/v1/auth/register"
        response = requests.post(url, json=user, timeout=10)
        response.raise_for_status()
        return response.json()["data"]["access_token"]

    def set(self, case, data, context):
        case.headers["Authorization"] = f"Bearer {data}"


@schemathesis.check
def gateway_takes_documented_data(ctx, response, case):
    """Services may refuse documented data, see schemathesis.toml. The gateway may not."""
    if response.status_code != 400 or not case.meta.generation.mode.is_positive:
        return
    error = response.json().get("error")
    assert not isinstance(error, str), f"The gateway refuses documented data: {error}"
