"""What of a changed configuration needs a restart: what is bound once, when the process starts."""

from __future__ import annotations

from pydantic import BaseModel

from daemon.settings.models import Settings

LIVE = frozenset({"locale", "time_zone", "retention", "webhooks"})


def difference(old: Settings, new: Settings) -> tuple[str, ...]:
    """The keys of workorderd.yaml that changed and need a restart, such as `http.port` and `pbxs[main].host`.

    Everything else, that is the other files and the keys in LIVE, is applied by a reload. No values are named.
    """
    return tuple(key for key in _changed(old.main, new.main, "") if key.partition(".")[0] not in LIVE)


def _changed(old: object, new: object, key: str) -> list[str]:
    if old == new:
        return []
    if isinstance(old, BaseModel) and type(old) is type(new):
        names = type(old).model_fields
        dot = f"{key}." if key else ""
        return [each for name in names for each in _changed(getattr(old, name), getattr(new, name), f"{dot}{name}")]
    if key == "pbxs" and isinstance(old, tuple) and isinstance(new, tuple):
        before, after = ({pbx.name: pbx for pbx in pbxs} for pbxs in (old, new))
        return [
            each
            for name in dict.fromkeys([*before, *after])
            for each in _changed(before.get(name), after.get(name), f"{key}[{name}]")
        ]
    return [key]
