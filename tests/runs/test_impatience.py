from __future__ import annotations

import logging
import os

from nightbook.runs.impatience import short_tempered


def test_mlflow_asks_once_and_briefly_and_all_is_as_before_afterwards() -> None:
    os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] = "99"
    level = logging.getLogger("mlflow").level
    with short_tempered(7):
        assert os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] == "0"
        assert os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] == "7"
        assert logging.getLogger("mlflow").level == logging.CRITICAL
    assert os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] == "99"
    assert "MLFLOW_HTTP_REQUEST_MAX_RETRIES" not in os.environ
    assert logging.getLogger("mlflow").level == level
