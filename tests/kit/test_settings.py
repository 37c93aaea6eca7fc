"""Settings come from the environment, cannot be changed, and keep their secrets."""

import pytest
from pydantic import ValidationError

from weld.kit import metrics
from weld.kit.settings import PORTS, Settings


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"WELDGATE_{name.upper()}", raising=False)


def test_without_any_environment_the_embedded_servers_are_meant() -> None:
    settings = Settings()
    assert settings.database_url is None
    assert settings.mqtt_url is None


def test_the_environment_is_read_and_secrets_are_not_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WELDGATE_DATABASE_URL", "postgresql://a:hunter2@localhost/b")
    monkeypatch.setenv("WELDGATE_LOG_JSON", "true")
    settings = Settings()
    assert settings.log_json
    assert settings.database_url is not None
    assert settings.database_url.get_secret_value().endswith("/b")
    assert "hunter2" not in repr(settings)


def test_a_wrong_value_is_refused_without_being_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WELDGATE_DOOR_PORT", "hunter2")
    with pytest.raises(ValidationError) as refused:
        Settings()
    assert "hunter2" not in str(refused.value)


def test_there_are_eight_groups_of_shards_or_fewer_where_shards_are_few() -> None:
    assert [Settings(shards=shards).groups for shards in (64, 8, 3)] == [8, 8, 3]
    assert Settings(shards=64, groups=64).groups == 64
    with pytest.raises(ValidationError, match="8 groups cannot be made of 4 shards"):
        Settings(shards=4, groups=8)


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError):
        Settings().log_json = True  # type: ignore[misc]


def test_every_setting_says_what_it_is() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_no_two_default_ports_are_the_same() -> None:
    assert len(set(PORTS.values())) == len(PORTS)


def test_metrics_are_text_that_prometheus_reads() -> None:
    assert metrics.render().startswith(b"# HELP")
    assert list(metrics.MS_BUCKETS) == sorted(metrics.MS_BUCKETS)
