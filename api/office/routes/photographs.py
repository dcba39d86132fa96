"""The photograph of an instrument: shown to the institution, registered anew, taken away."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from starlette.responses import Response

from api.office.call import Call
from api.office.counter import Counter, localise
from api.office.instrument_view import KnownInstrument
from api.office.operations import Operation
from api.office.roles import READERS, OfficeRole
from api.office.routes.instruments import write_instrument
from issuer.registering import Given, Picture
from ledger.confined.photos import MAX_GIVEN_BYTES, REGISTERED, remake_photo
from ledger.core.errors import InputError, NotFoundError, StateError, StoreUnavailableError, UnavailableError
from ledger.core.step import Sentence

PATH: Final = "/instruments/{instrument}/photo"
MAX_FORM_BYTES: Final = MAX_GIVEN_BYTES + 64 * 1024
_OPERATORS: Final = frozenset({OfficeRole.OPERATOR})
_NOBODY: Final = Given(None, frozenset(), "")


def show_photo(call: Call) -> Response:
    """Return the photograph that is registered here now."""
    content = Counter(call).find_instrument(call.part("instrument")).content
    photo = None if content is None else content.photo
    raw = None if photo is None else call.tenant.sayings.find_photo(photo.digest)
    if raw is None:
        raise NotFoundError("no photograph of this instrument is registered")
    return Response(raw, headers={"Cache-Control": "no-store"}, media_type="image/jpeg")


def register_photo(call: Call) -> Response:
    """Register an instrument with another photograph."""
    return _register(call, _read_picture)


def remove_photo(call: Call) -> Response:
    """Register an instrument without a photograph."""
    return _register(call, lambda _: Picture(None))


def _read_picture(call: Call) -> Picture:
    """Return what was uploaded, made anew of its pixels alone.

    Raises:
        InputError: nothing was, it is no photograph, or nobody has looked at it.
        UnavailableError: no process could be started.
    """
    given = call.form.file("photo")
    if given is None or not given.raw:
        raise InputError("choose a photograph", field="photo", zh="请选择照片")
    if call.form.text("seen", most=3) != "yes":
        raise InputError(
            "look at it first: everybody will see it, and it cannot be called back from those who have",
            field="seen",
            zh="请先确认照片内容：照片将向所有人公开，已被查看的无法收回",
        )
    return Picture(remake_photo(given.raw, REGISTERED), call.form.day("taken_on", call.tenant.today()))


def _register(call: Call, read: Callable[[Call], Picture]) -> Response:
    counter = Counter(call)
    known = counter.find_instrument(call.part("instrument"))
    try:
        picture = read(call)
        _say(counter, known, picture)
    except InputError as err:
        return write_instrument(call, known, HTTPStatus.UNPROCESSABLE_ENTITY, localise(err))
    except StateError as err:
        return write_instrument(call, known, HTTPStatus.CONFLICT, err)
    except StoreUnavailableError:
        raise
    except UnavailableError:
        waiting = call.tenant.said.count_waiting()
        return write_instrument(call, known, HTTPStatus.SERVICE_UNAVAILABLE, waiting=waiting)
    counter.note("instrument-photographed", known.id)
    return call.go(f"/instruments/{known.id}")


def _say(counter: Counter, known: KnownInstrument, picture: Picture) -> None:
    content = known.content
    if content is None:
        raise InputError("register the instrument first", field="photo", zh="请先登记该器具")
    registrar = counter.registrar
    counter.say(lambda: registrar.register(content, [], _NOBODY, picture))


OPERATIONS: Final = (
    Operation(
        "photographs.show",
        "GET",
        PATH,
        show_photo,
        READERS,
        Sentence("Photograph of an instrument", "器具照片"),
        resource="instrument",
    ),
    Operation(
        "photographs.register",
        "POST",
        PATH,
        register_photo,
        _OPERATORS,
        Sentence("Register a photograph", "登记照片"),
        resource="instrument",
        signs=True,
    ),
    Operation(
        "photographs.remove",
        "POST",
        f"{PATH}/remove",
        remove_photo,
        _OPERATORS,
        Sentence("Take a photograph away", "撤去照片"),
        resource="instrument",
        signs=True,
    ),
)
