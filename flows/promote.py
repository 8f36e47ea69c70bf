"""Flows `promote` and `rollback`: a person's decision, carried out and shown on a run's page."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from prefect import flow, get_run_logger, task
from prefect.cache_policies import NO_CACHE

from components.tracking import promotion
from components.tracking.promotion import Promotion
from components.tracking.tracker import connect
from flows.artifacts import show_table
from flows.dead_runs import while_alive


@flow(name="promote")
@while_alive
def promote(root: Path, version: str, approver: str, shown: str | None = None) -> Promotion:
    """Copy a READY candidate into production and make it the champion. Errors: components.tracking.promotion."""
    return tell(promote_candidate(root, version, approver, shown))


@flow(name="rollback")
@while_alive
def rollback(root: Path, version: str | None, approver: str) -> Promotion:
    """Make the champion before, or the production version named, champion again."""
    return tell(restore_version(root, version, approver))


@task(cache_policy=NO_CACHE)
def promote_candidate(root: Path, version: str, approver: str, shown: str | None = None) -> Promotion:
    return promotion.promote(connect(root), version, approver, shown)


@task(cache_policy=NO_CACHE)
def restore_version(root: Path, version: str | None, approver: str) -> Promotion:
    return promotion.rollback(connect(root), version, approver)


def tell(done: Promotion) -> Promotion:
    """Show on the run's page what became champion."""
    get_run_logger().info("@champion of %s is version %s", done.model, done.version)
    show_table([asdict(done)], "promotion")
    return done
