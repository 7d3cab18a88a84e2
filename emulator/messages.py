"""What a client sends and gets: `Request`, `Response`, and errors in Twilio's shape."""

import json
from dataclasses import dataclass, field
from email import policy
from email.parser import BytesParser
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs

# HTTP statuses whose code is not 20000 more (twilio.com/docs/api/errors).
_CODES = {400: 20001, 401: 20003, 405: 20004}

Values = dict[str, list[str]]


@dataclass(frozen=True)
class Request:
    """A request.

    `values` are those of the query and the form, files included. The names of `headers` are in
    lower case.
    """

    method: str
    path: str
    headers: dict[str, str]
    values: Values

    def value(self, name: str, default: str | None = None) -> str:
        """Return a value; raises ApiError if it is missing and there is no default."""
        value = self.values.get(name, [default])[-1]
        if value is None:
            raise ApiError(400, f"Missing required parameter {name}")
        return value


@dataclass(frozen=True)
class Response:
    """A response. A `status` of 0 stands for a reset of the connection instead."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


class ApiError(Exception):
    """A request that Twilio refuses: the HTTP status, and the message for the client."""

    def __init__(self, status: int, message: str = "", **headers: str) -> None:
        self.status = HTTPStatus(status)
        self.message = message or self.status.phrase
        self.headers = headers

    def response(self) -> Response:
        """Return the error in Twilio's shape (twilio-cli issue 252)."""
        code = _CODES.get(self.status, 20000 + self.status)
        content = {
            "code": code,
            "message": self.message,
            "more_info": f"https://www.twilio.com/docs/errors/{code}",
            "status": self.status,
        }
        return json_response(content, self.status, **self.headers)


def json_response(content: dict[str, Any], status: int = 200, **headers: str) -> Response:
    """Return a response with `content` as JSON."""
    body = json.dumps(content).encode()
    return Response(status, body, {"Content-Type": "application/json", **headers})


def parse_form(content_type: str, body: bytes) -> Values:
    """Return the values in a form, URL-encoded or multipart."""
    if not content_type.startswith("multipart/form-data"):
        return parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True)
    form: Values = {}
    head = f"Content-Type: {content_type}\r\n\r\n".encode()
    for part in BytesParser(policy=policy.HTTP).parsebytes(head + body).iter_parts():
        name = str(part.get_param("name", header="content-disposition"))
        content = part.get_payload(decode=True)
        text = content.decode("utf-8", "replace") if isinstance(content, bytes) else ""
        form.setdefault(name, []).append(text)
    return form
