"""One fault for every check, planted in the evidence of a run that is otherwise sound."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.support.incident import CUTOVER, GROUP, MEANT, OLD_GROUP, kin, log_line

if TYPE_CHECKING:
    from tests.support.incident import IncidentRun

type Plant = Callable[[IncidentRun], None]


class PlantedFault(NamedTuple):
    """A fault, the check that it turns red, and those that it implies."""

    check: str
    plant: Plant
    implies: frozenset[str]

    def __str__(self) -> str:
        return f"{self.check}-{self.plant.__name__}"


FAULTS: list[PlantedFault] = []
STRETCH = "E:stream.entries_since_cutover"


def turns_red(check: str, *, implies: tuple[str, ...] = ()) -> Callable[[Plant], Plant]:
    """Register the function below as a fault."""

    def register(plant: Plant) -> Plant:
        FAULTS.append(PlantedFault(check, plant, frozenset(implies)))
        return plant

    return register


# --- A: the host and the stack ---------------------------------------------------------------------------


@turns_red("A.1.host_described")
def no_memory_left(run: IncidentRun) -> None:
    run["A:host.facts"]["memory"]["available"] = 60_000_000


@turns_red("A.1.clocks_agree", implies=("O.1.clocks_agree",))
def redis_clock_off(run: IncidentRun) -> None:
    run["A:redis.server"]["now_ms"] += 10_000


@turns_red("A.1.disk_has_room", implies=("O.1.disk_has_room",))
def disk_full(run: IncidentRun) -> None:
    run["A:host.disk"][0]["free"] = 1_000_000


@turns_red("A.2.stack_containers")
def nginx_unhealthy(run: IncidentRun) -> None:
    run["A:docker.containers"][-1]["health"] = "unhealthy"


@turns_red("A.2.stack_containers")
def a_container_missing(run: IncidentRun) -> None:
    run["A:docker.containers"].pop()


@turns_red("A.2.stack_containers")
def a_container_restarting(run: IncidentRun) -> None:
    run["A:docker.containers"][0]["state"] = "restarting"


@turns_red("A.3.redis_reachable", implies=("O.1.redis_answers",))
def redis_is_a_replica(run: IncidentRun) -> None:
    run["A:redis.server"]["replication_role"] = "slave"


@turns_red("A.3.redis_evicts_no_stream", implies=("O.1.redis_evicts_no_stream",))
def redis_may_drop_any_key(run: IncidentRun) -> None:
    run["A:redis.server"]["maxmemory_policy"] = "allkeys-lru"


@turns_red("A.3.redis_survives_restart")
def the_append_only_file_is_off(run: IncidentRun) -> None:
    run["A:redis.server"]["aof_enabled"] = False


@turns_red("A.3.redis_survives_restart")
def the_append_only_file_cannot_be_written(run: IncidentRun) -> None:
    run["A:redis.server"]["aof_last_write"] = "err"


@turns_red("A.3.redis_has_memory_left")
def redis_is_full(run: IncidentRun) -> None:
    run["A:redis.server"] |= {"maxmemory": "44040192"}


@turns_red("A.3.not_halted")
def the_halt_key_is_set(run: IncidentRun) -> None:
    run["A:redis.halt"] = {"set": True, "value": "drill"}


@turns_red("A.3.groups_described")
def a_group_not_listed(run: IncidentRun) -> None:
    run["A:redis.stream"]["groups"] = 2


@turns_red("A.3.users_have_no_more_rights")
def a_user_with_every_right(run: IncidentRun) -> None:
    run["A:redis.rights"]["trade_intent_checks"] |= {"commands": "+@all", "keys": "~*"}


@turns_red("A.3.users_have_no_more_rights")
def a_user_with_a_second_right(run: IncidentRun) -> None:
    run["A:redis.rights"]["trade_intent_checks"]["selectors"] = [{"commands": "-@all +xadd", "keys": "~*"}]


@turns_red("A.3.users_have_no_more_rights")
def a_user_without_a_password(run: IncidentRun) -> None:
    run["A:redis.rights"]["trade_intent_checks"]["flags"].append("nopass")


@turns_red("A.4.no_ghost_consumers")
def a_consumer_left_behind(run: IncidentRun) -> None:
    ghost = {"name": "execution_032c6d11", "pending": 0, "idle_ms": 448_668_459, "inactive_ms": None}
    run["A:redis.consumers"][OLD_GROUP].append(ghost)


@turns_red("A.4.no_ghost_consumers")
def a_group_that_stands_still(run: IncidentRun) -> None:
    busy = {"name": "execution_032c6d11", "pending": 0, "idle_ms": 12, "inactive_ms": None}
    run["A:redis.consumers"][OLD_GROUP].append(busy)
    run["A:redis.groups"][0]["last_delivered_id"] = "1766219478937-0"


@turns_red("A.5.no_stranded_pending")
def an_entry_stranded(run: IncidentRun) -> None:
    entry = {"id": "1765950222254-0", "consumer": "test-consumer", "idle_ms": 3, "deliveries": 1}
    run["A:redis.pending"][OLD_GROUP] = {"count": 1, "entries": [entry | {"body_present": True}]}


@turns_red("B.3.network_found", implies=("B.3.reference_agrees",))
def redis_on_another_network(run: IncidentRun) -> None:
    del run["A:docker.network"]["containers"]["quantum_redis"]


# --- B: the image ----------------------------------------------------------------------------------------


@turns_red("A.6.image_code_matches_repo", implies=("B.1.nothing_patched",))
def a_file_in_the_image_differs(run: IncidentRun) -> None:
    run["B:image.files"][3]["sha256"] = "f" * 64


@turns_red("A.6.image_code_matches_repo")
def another_image_under_the_tag(run: IncidentRun) -> None:
    run["B:image.inspect"]["id"] = "sha256:" + "2" * 64


@turns_red("A.7.packages_match_lock")
def a_package_of_another_version(run: IncidentRun) -> None:
    run["B:image.packages"]["redis"] = "5.0.1"


@turns_red("A.7.packages_match_lock")
def a_package_too_many(run: IncidentRun) -> None:
    run["B:image.packages"]["python-binance"] = "1.0.37"


@turns_red("A.7.packages_match_lock")
def another_python(run: IncidentRun) -> None:
    run["B:image.python"]["version"] = "3.11.14"


@turns_red("B.1.modules_import")
def a_module_does_not_import(run: IncidentRun) -> None:
    run["B:image.imports"][1] |= {"ok": False, "file": None, "error": "No module named 'exitbrain_v3_5'"}


@turns_red("B.1.modules_import")
def a_module_not_tried(run: IncidentRun) -> None:
    run["B:image.imports"].pop()


@turns_red("B.1.nothing_patched")
def a_module_mocked(run: IncidentRun) -> None:
    run["B:image.imports"][1]["file"] = None


def _refused_by_accident(case: str) -> Plant:
    def plant(run: IncidentRun) -> None:
        tried = next(refusal for refusal in run["B:image.refusals"] if refusal["case"] == case)
        tried["stdout_tail"] = "redis.exceptions.ConnectionError: quantum_redis:6379"

    plant.__name__ = f"refused_by_accident_{case}"
    return plant


def _not_refused(case: str) -> Plant:
    def plant(run: IncidentRun) -> None:
        tried = next(refusal for refusal in run["B:image.refusals"] if refusal["case"] == case)
        tried["exit_code"] = None

    plant.__name__ = f"not_refused_{case}"
    return plant


for _check, _case in {
    "refuses_live": "mode_live_refused_without_promotion",
    "refuses_unknown_mode": "mode_unknown",
    "refuses_old_flag": "old_flag_safe_drain",
    "refuses_unknown_setting": "unknown_setting",
    "refuses_exchange_secret": "exchange_secret_present",
}.items():
    turns_red(f"B.2.{_check}")(_not_refused(_case))
    turns_red(f"B.2.{_check}")(_refused_by_accident(_case))


@turns_red("B.2.import_guard_refuses_exchange_library")
def the_guard_is_not_armed(run: IncidentRun) -> None:
    run["B:image.guard"]["binance_import"] = "allowed"


@turns_red("B.2.import_guard_refuses_exchange_library")
def the_library_is_only_missing(run: IncidentRun) -> None:
    run["B:image.guard"]["binance_import"] = "missing"


@turns_red("B.2.rehearsal_never_trades")
def the_rehearsal_connects(run: IncidentRun) -> None:
    run["B:image.rehearsal"]["sockets_opened"] = ["socket.connect fapi:443"]


@turns_red("B.2.rehearsal_never_trades")
def the_rehearsal_fills(run: IncidentRun) -> None:
    run["B:image.rehearsal"]["cases"][0]["status"] = "filled"


@turns_red("B.2.rehearsal_decodes_every_shape")
def flat_decodes_to_nothing_in_the_image(run: IncidentRun) -> None:
    run["B:image.rehearsal"]["cases"][2]["plan"] = {"intent": {}}


@turns_red("B.2.rehearsal_decodes_every_shape")
def flat_is_invalid_in_the_image(run: IncidentRun) -> None:
    run["B:image.rehearsal"]["cases"][2] |= {"status": "invalid", "plan": {}}


@turns_red("B.3.reference_agrees", implies=("O.1.reference_on_network",))
def reference_on_another_network(run: IncidentRun) -> None:
    run["A:docker.reference"]["networks"] = ["bridge"]


@turns_red("B.4.start_method_stated")
def started_by_a_runner(run: IncidentRun) -> None:
    run["B:image.inspect"]["cmd"] = ["python3", "/tmp/trade_intent_runner.py"]  # noqa: S108 - the incident's


# --- C: the cutover --------------------------------------------------------------------------------------


@turns_red("C.1.right_group_moved", implies=("C.1.other_groups_untouched", "C.2.position_is_end_of_stream"))
def setid_went_to_another_group(run: IncidentRun) -> None:
    record = run["C:cutover.record"]
    record["after"][0] |= {"last_delivered_id": CUTOVER, "lag": 0}
    record["after"][1] |= {"last_delivered_id": "0-0", "entries_read": None, "lag": 10_010}


@turns_red("C.1.right_group_moved")
def the_consumer_uses_another_group(run: IncidentRun) -> None:
    run["D:consumer.state"]["group"] = OLD_GROUP


@turns_red("C.1.other_groups_untouched")
def every_group_moved(run: IncidentRun) -> None:
    run["C:cutover.record"]["after"][0]["last_delivered_id"] = CUTOVER


@turns_red("C.1.other_groups_untouched")
def another_group_destroyed(run: IncidentRun) -> None:
    del run["C:cutover.record"]["after"][0]


@turns_red("C.2.position_is_end_of_stream")
def lag_unknown_after_the_cutover(run: IncidentRun) -> None:
    run["C:cutover.record"]["after"][1] |= {"entries_read": None, "lag": None}


@turns_red("C.2.skipped_entries_counted")
def a_backlog_was_skipped(run: IncidentRun) -> None:
    run["C:cutover.record"]["skipped"] = {"count": 10_010, "from_id": "1766500000000-0", "to_id": CUTOVER}


@turns_red("C.3.nothing_before_cutover_decided")
def group_created_at_0(run: IncidentRun) -> None:
    replayed = [
        {"intent_id": f"176650000{n:04d}-0", "status": "skipped_before_cutover", "reason": "BEFORE_CUTOVER"}
        for n in range(1_000)
    ]
    run["C:redis.results_before_cutover"]["decisions"] = replayed


@turns_red("C.3.nothing_before_cutover_decided")
def group_created_at_0_after_a_cutover_that_skipped_nothing(run: IncidentRun) -> None:
    record = run["C:cutover.record"]
    record |= {"created": False, "old_position": {"last_delivered_id": record["cutover_id"]}}
    replayed = {
        "intent_id": "1766500000000-0",
        "status": "skipped_before_cutover",
        "reason": "BEFORE_CUTOVER",
    }
    run["C:redis.results_before_cutover"]["decisions"] = [replayed]


@turns_red("C.3.nothing_before_cutover_decided")
def an_old_entry_decided(run: IncidentRun) -> None:
    old = {"intent_id": "1766500000000-0", "status": "skipped_stale", "reason": "STALE:age_ms=94572014"}
    run["C:redis.results_before_cutover"]["decisions"] = [old]


@turns_red("C.3.reversible")
def old_position_not_recorded(run: IncidentRun) -> None:
    run["C:cutover.record"]["created"] = False


@turns_red("C.3.reversible")
def pending_not_recorded(run: IncidentRun) -> None:
    run["C:cutover.record"]["pending_before"]["count"] = 3


# --- D: the container ------------------------------------------------------------------------------------


@turns_red("D.1.image_is_desired")
def another_image_runs(run: IncidentRun) -> None:
    run["D:container.inspect"]["image_id"] = "sha256:" + "2" * 64


@turns_red("D.1.layer_untouched")
def a_file_copied_into_the_container(run: IncidentRun) -> None:
    run["D:container.changes"].append({"path": "/app/consumer/wire.py", "kind": "changed"})


@turns_red("D.1.code_in_container_is_desired")
def other_code_mounted_over(run: IncidentRun) -> None:
    run["D:container.files"][3]["sha256"] = "f" * 64


@turns_red("D.2.container_as_desired")
def no_memory_limit(run: IncidentRun) -> None:
    run["D:container.inspect"]["memory"] = 0


@turns_red("D.2.container_as_desired")
def new_privileges_allowed(run: IncidentRun) -> None:
    run["D:container.inspect"]["security_opt"] = []


@turns_red("D.2.container_as_desired")
def the_hosts_ipc(run: IncidentRun) -> None:
    run["D:container.inspect"]["ipc_mode"] = "host"


@turns_red("D.2.no_published_port")
def a_port_published(run: IncidentRun) -> None:
    run["D:container.inspect"]["published"] = ["127.0.0.1:20001->9108/tcp"]


@turns_red("D.2.no_secret_in_env")
def a_password_in_the_environment(run: IncidentRun) -> None:
    run["D:container.inspect"]["env"]["REDIS_PASSWORD"] = "<masked>"


@turns_red("D.2.no_secret_in_env")
def a_known_secret_under_a_plain_name(run: IncidentRun) -> None:
    run["D:container.secret_leaks"]["env_names_suspect"] = ["GREETING"]


@turns_red("D.2.no_secret_in_env")
def a_secret_in_a_label(run: IncidentRun) -> None:
    run["D:container.secret_leaks"]["label_names_suspect"] = ["note"]


@turns_red("D.2.secrets_private")
def a_secret_everybody_may_read(run: IncidentRun) -> None:
    run["D:host.secrets"][1]["mode"] = "0444"


@turns_red("D.2.secrets_private")
def a_folder_everybody_may_enter(run: IncidentRun) -> None:
    run["D:host.secrets"][0]["mode"] = "0755"


@turns_red("D.2.secrets_private")
def a_secret_in_a_world_readable_file(run: IncidentRun) -> None:
    run["D:container.secret_leaks"]["copies"] = [{"path": "/srv/notes", "mode": "0644"}]


@turns_red("D.2.secrets_private", implies=("E.4.no_exchange_key",))
def a_trading_key_among_the_secrets(run: IncidentRun) -> None:
    mark = {"path": "/var/lib/trade_intent/secrets/binance_api_key", "kind": "file", "mode": "0400"}
    run["D:host.secrets"].append({**mark, "uid": 10_001, "fs_type": "ext4"})


@turns_red("E.4.no_exchange_key")
def a_trading_key_elsewhere_in_the_hosts_state(run: IncidentRun) -> None:
    run["D:container.secret_leaks"]["exchange_key_files"] = ["/var/lib/trade_intent/bin/binance_api_key"]


@turns_red("D.2.no_secret_in_env")
def a_secret_in_the_log(run: IncidentRun) -> None:
    run["D:container.secret_leaks"]["log_suspect"] = True


@turns_red("D.2.no_secret_in_env")
def a_secret_in_a_processs_environment(run: IncidentRun) -> None:
    run["D:container.secret_leaks"]["processes_suspect"] = ["environ of process 9"]


@turns_red("C.1.consumer_is_told_the_cutover")
def another_cutover_in_the_mounted_file(run: IncidentRun) -> None:
    run["C:cutover.file"] = "1-1"


@turns_red("D.1.release_is_itself")
def a_release_document_changed_on_the_host(run: IncidentRun) -> None:
    run.desired["expected_containers"] = list(reversed(run.desired["expected_containers"]))


@turns_red("D.1.release_is_itself")
def a_container_of_another_release(run: IncidentRun) -> None:
    run["D:container.inspect"]["labels"]["trade_intent.release"] = "f" * 16


@turns_red("D.2.audit_log_whole")
def a_line_of_the_audit_log_rewritten(run: IncidentRun) -> None:
    run["D:host.audit"]["intact"] = False


@turns_red("D.1.repository_has_what_runs")
def a_repository_that_went_on(run: IncidentRun) -> None:
    run["D:controller.code"]["code_digest"] = "e" * 64


@turns_red("D.2.container_as_made")
def a_container_that_no_deploy_made(run: IncidentRun) -> None:
    run["D:container.made"]["record"] = None


@turns_red("D.2.container_as_made")
def another_seccomp_profile(run: IncidentRun) -> None:
    run["D:container.portrait"]["HostConfig.SecurityOpt"] = '["seccomp=unconfined"]'


@turns_red("D.2.container_as_made")
def a_limit_that_nobody_deployed(run: IncidentRun) -> None:
    run["D:container.portrait"]["HostConfig.Ulimits"] = '[{"Name": "nofile"}]'


@turns_red("D.1.layer_untouched")
def a_library_changed_from_the_host(run: IncidentRun) -> None:
    path = "/usr/local/lib/python3.13/json/decoder.py"
    run["D:container.changes"] += [{"path": path, "kind": "changed"}, {"path": "/run", "kind": "changed"}]


@turns_red("D.3.only_the_consumer_runs")
def a_second_consumer_inside(run: IncidentRun) -> None:
    run["D:container.processes"].append({"pid": "9", "uid": "10001", "command": "python3 -m consumer"})


@turns_red("D.3.only_the_consumer_runs")
def a_process_of_another_user(run: IncidentRun) -> None:
    run["D:container.processes"][0]["uid"] = "0"


@turns_red("D.2.nobody_else_is_us")
def a_second_container_of_the_image(run: IncidentRun) -> None:
    run["D:docker.kin"]["containers"].append(kin("twin", ours=["image", "secrets"]))


@turns_red("D.2.nobody_else_is_us")
def a_set_aside_container_that_runs(run: IncidentRun) -> None:
    run["D:docker.kin"]["containers"].append(kin(f"{MEANT['container']}.previous", ours=["image"]))


@turns_red("D.2.nobody_uses_our_user")
def somebody_else_with_the_consumers_password(run: IncidentRun) -> None:
    run["D:redis.clients"]["ours"][0]["addr"] = "172.20.0.66:40001"


@turns_red("D.2.no_exchange_key_beside")
def a_key_in_an_unknown_container(run: IncidentRun) -> None:
    run["D:docker.kin"]["containers"].append(kin("bot", exchange_keys=["variable BINANCE_API_SECRET"]))


@turns_red("D.2.on_the_right_network")
def a_second_network(run: IncidentRun) -> None:
    run["D:container.inspect"]["networks"]["bridge"] = {"ip": "172.17.0.2", "aliases": []}


@turns_red("D.3.startup_log_complete")
def a_log_of_two_runs(run: IncidentRun) -> None:
    run["D:container.log"]["lines"][3]["run"] = "another"


@turns_red("D.3.startup_log_complete")
def a_step_missing(run: IncidentRun) -> None:
    del run["D:container.log"]["lines"][5]


@turns_red("D.3.startup_log_complete")
def steps_out_of_order(run: IncidentRun) -> None:
    lines = run["D:container.log"]["lines"]
    lines[3]["event"], lines[4]["event"] = lines[4]["event"], lines[3]["event"]


@turns_red("D.3.startup_log_complete")
def a_traceback_in_the_log(run: IncidentRun) -> None:
    run["D:container.log"]["unparsed"].append({"at": "", "text": "Traceback (most recent call last):"})


@turns_red("D.3.startup_log_complete")
def an_error_in_the_log(run: IncidentRun) -> None:
    run["D:container.log"]["lines"][-1]["level"] = "error"


@turns_red("D.3.startup_log_complete")
def a_start_up_that_nobody_kept(run: IncidentRun) -> None:
    run["D:container.log"]["lines"] = [log_line(9, "dead_letter")]
    run["D:consumer.state"]["start_up"].pop(3)


@turns_red("D.3.log_quiet_since")
def an_error_after_the_start(run: IncidentRun) -> None:
    lines = run["D:container.log"]["lines"]
    lines.append({**lines[-1], "event": "trouble", "level": "error"})


@turns_red("D.3.startup_log_complete")
def a_log_from_before_the_start(run: IncidentRun) -> None:
    for line in run["D:container.log"]["lines"]:
        line["timestamp"] = line["timestamp"].replace("16:43", "15:43")


@turns_red("D.3.settings_are_desired")
def a_setting_with_another_value(run: IncidentRun) -> None:
    settings = run["D:consumer.state"]["settings"]
    run["D:consumer.state"]["settings"] = settings | {"TRADE_INTENT_STREAM": "another"}


@turns_red("D.3.state_says_safe_drain")
def code_without_safe_drain(run: IncidentRun) -> None:
    run["D:consumer.state"] |= {"mode": "live", "venue": "mainnet"}


@turns_red("D.3.health_is_progress")
def no_progress(run: IncidentRun) -> None:
    run["D:consumer.health"] = {"code": 503, "body": {"status": "unhealthy", "reasons": ["no group"]}}


# --- E: decisions and orders -----------------------------------------------------------------------------


def _decide_otherwise(fields: dict[str, Any], **changes: Any) -> None:
    plan = json.loads(fields["plan"])
    fields["plan"] = json.dumps(plan | {"intent": plan["intent"] | changes})


@turns_red("E.1.proof_decoded_equal")
def flat_decodes_to_nothing(run: IncidentRun) -> None:
    run["E:proof.decisions"][2]["fields"]["plan"] = json.dumps({"intent": {}})


@turns_red("E.1.proof_decoded_equal")
def the_publisher_desired_something_else(run: IncidentRun) -> None:
    run["E:proof.published"][0]["expected"]["intent"]["confidence"] = "0.73"


@turns_red("E.1.real_entries_decoded", implies=("E.1.decided_as_oracle",))
def a_time_read_an_hour_off(run: IncidentRun) -> None:
    first = run[STRETCH]["entries"][0]["id"]
    _decide_otherwise(run["E:results.decisions"][first][0]["fields"], timestamp_ms=1_766_598_000_000)


@turns_red("E.1.real_entries_decoded", implies=("E.1.decided_as_oracle",))
def a_valid_entry_called_invalid(run: IncidentRun) -> None:
    first = run[STRETCH]["entries"][0]["id"]
    run["E:results.decisions"][first][0]["fields"] |= {"status": "invalid", "plan": "{}"}


@turns_red("E.1.real_shapes_seen")
def nobody_publishes_flat(run: IncidentRun) -> None:
    entry = run[STRETCH]["entries"][2]
    entry["fields"] = run[STRETCH]["entries"][1]["fields"]
    alike = run["E:results.decisions"][run[STRETCH]["entries"][1]["id"]][0]["fields"]
    decided = run["E:results.decisions"][entry["id"]][0]["fields"]
    decided |= {name: alike[name] for name in ("side", "status", "reason", "plan")}


@turns_red("E.1.decisions_valid")
def a_field_missing(run: IncidentRun) -> None:
    first = run[STRETCH]["entries"][0]["id"]
    del run["E:results.decisions"][first][0]["fields"]["replica"]


@turns_red("E.1.decisions_valid", implies=("E.1.decisions_possible",))
def a_decision_in_live_mode(run: IncidentRun) -> None:
    first = run[STRETCH]["entries"][0]["id"]
    run["E:results.decisions"][first][0]["fields"]["mode"] = "live"


@turns_red("E.1.decisions_valid")
def a_status_nobody_knows(run: IncidentRun) -> None:
    first = run[STRETCH]["entries"][0]["id"]
    run["E:results.decisions"][first][0]["fields"]["status"] = "done"


@turns_red("E.2.accounted_once")
def an_entry_vanished(run: IncidentRun) -> None:
    """Deleted by its id: it was decided, and the server remembers the deletion."""
    stretch = run[STRETCH]
    gone = stretch["entries"].pop(4)
    stretch |= {"count": 5, "missing": 1, "max_deleted_id": gone["id"]}


@turns_red("E.2.accounted_once")
def an_entry_vanished_undecided(run: IncidentRun) -> None:
    stretch = run[STRETCH]
    gone = stretch["entries"].pop(4)
    del run["E:results.decisions"][gone["id"]]
    stretch |= {"count": 5, "missing": 1}


@turns_red("E.2.accounted_once")
def an_entry_decided_twice(run: IncidentRun) -> None:
    made = run["E:results.decisions"][run[STRETCH]["entries"][0]["id"]]
    made.append(deepcopy(made[0]))


@turns_red("E.2.accounted_once", implies=("E.3.real_as_fast_as_proofs",))
def an_entry_never_decided(run: IncidentRun) -> None:
    del run["E:results.decisions"][run[STRETCH]["entries"][0]["id"]]


@turns_red("E.2.accounted_once")
def an_entry_lost(run: IncidentRun) -> None:
    lost = {"id": "1766594700000-0", "original_id": "1766594601000-0", "reason": "lost_trimmed"}
    run["E:dead_letters.since_cutover"].append(lost)


@turns_red("E.2.accounted_once")
def the_cutover_was_not_at_the_end(run: IncidentRun) -> None:
    run[STRETCH]["entries_added_at_cutover"] += 2


@turns_red("E.2.accounting_reaches_back")
def an_accounting_that_begins_where_it_was_told(run: IncidentRun) -> None:
    run[STRETCH]["begins_at"] = "told"


@turns_red("E.2.accounting_reaches_back")
def entries_that_were_trimmed_unaccounted(run: IncidentRun) -> None:
    run[STRETCH]["begins_at"] = "trimmed"


@turns_red("E.2.accounted_once")
def a_drawn_entry_that_was_never_decided(run: IncidentRun) -> None:
    run[STRETCH]["older"] = 90_000
    run["E:results.drawn"] = [{"entry": run[STRETCH]["entries"][0], "decisions": []}]


@turns_red("E.2.lag_zero")
def the_consumer_stops_reading(run: IncidentRun) -> None:
    run[STRETCH]["group"] |= {"settled": False, "last_delivered_id": run[STRETCH]["entries"][2]["id"]}


@turns_red("E.2.lag_zero")
def an_entry_stays_pending(run: IncidentRun) -> None:
    run[STRETCH]["group"] |= {"settled": False, "pending_ids": [run[STRETCH]["entries"][2]["id"]]}


@turns_red("E.2.group_alive")
def a_second_consumer(run: IncidentRun) -> None:
    run["E:redis.consumers"][GROUP].append({"name": "probe", "pending": 0, "idle_ms": 4})


@turns_red("E.2.group_alive")
def nobody_in_the_group(run: IncidentRun) -> None:
    run["E:redis.consumers"][GROUP].clear()


@turns_red("E.2.group_alive")
def a_silent_consumer(run: IncidentRun) -> None:
    run["E:redis.consumers"][GROUP][0]["idle_ms"] = 600_000


def _first_plan(run: IncidentRun) -> tuple[dict[str, Any], dict[str, Any]]:
    fields = run["E:results.decisions"][run[STRETCH]["entries"][0]["id"]][0]["fields"]
    return fields, json.loads(fields["plan"])


@turns_red("E.1.decided_as_oracle")
def a_quantity_multiplied(run: IncidentRun) -> None:
    fields, plan = _first_plan(run)
    plan["entry"]["quantity"] = "266"
    fields["plan"] = json.dumps(plan)


@turns_red("E.1.decided_as_oracle")
def a_last_digit_wrong(run: IncidentRun) -> None:
    fields, plan = _first_plan(run)
    plan["levels"]["tp1"] = plan["levels"]["tp1"][:-1] + "0"
    fields["plan"] = json.dumps(plan)


@turns_red("E.1.decided_as_oracle")
def a_real_intent_rejected(run: IncidentRun) -> None:
    fields, _ = _first_plan(run)
    fields |= {"status": "rejected_risk", "reason": "RISK_LEVELS:no"}


@turns_red("E.1.decided_as_oracle")
def a_fresh_intent_called_stale(run: IncidentRun) -> None:
    fields, plan = _first_plan(run)
    fields |= {"status": "skipped_stale", "reason": "STALE:age_ms=600001"}
    fields["plan"] = json.dumps({"intent": plan["intent"]})


@turns_red("E.1.decisions_possible", implies=("E.1.decided_as_oracle",))
def a_decision_from_1970(run: IncidentRun) -> None:
    fields, _ = _first_plan(run)
    fields |= {"timestamp": "1", "latency_ms": "0"}


@turns_red("E.1.decisions_possible")
def a_decision_before_its_entry(run: IncidentRun) -> None:
    first = run[STRETCH]["entries"][0]["id"]
    fields, _ = _first_plan(run)
    at = int(first.partition("-")[0]) - 500
    fields |= {"timestamp": str(at), "latency_ms": "-500"}
    run["E:results.decisions"][first][0]["decision_id"] = f"{at}-0"


@turns_red("E.1.decisions_possible", implies=("E.1.decisions_valid",))
def a_decision_of_a_release_that_never_was(run: IncidentRun) -> None:
    fields, _ = _first_plan(run)
    fields["config_digest"] = "d" * 64


@turns_red("E.1.decisions_authentic")
def a_decision_that_somebody_else_wrote(run: IncidentRun) -> None:
    _unsealed(run, run.desired["config_digest"], "00" * 16)


@turns_red("E.1.decisions_authentic")
def a_decision_without_a_seal(run: IncidentRun) -> None:
    _unsealed(run, run.desired["config_digest"], None)


def _unsealed(run: IncidentRun, config_digest: str, auth: str | None) -> None:
    first = run[STRETCH]["entries"][0]["id"]
    row = {"intent_id": first, "decision_id": first, "config_digest": config_digest, "auth": auth}
    run["E:results.unsealed"]["unsealed"].append(row)


@turns_red("E.1.results_untouched")
def a_decision_taken_out(run: IncidentRun) -> None:
    run["E:results.stream"]["max_deleted_id"] = "1766594605002-0"


@turns_red("E.3.real_as_fast_as_proofs")
def real_intents_held_back(run: IncidentRun) -> None:
    for entry in run[STRETCH]["entries"][:3]:
        at = int(entry["id"].partition("-")[0]) + 102
        made = run["E:results.decisions"][entry["id"]][0]
        made["decision_id"] = f"{at}-0"
        made["fields"] |= {"latency_ms": "102", "timestamp": str(at)}


@turns_red(
    "E.3.proof_followed", implies=("E.1.proof_decoded_equal", "E.3.proof_gated", "E.3.real_as_fast_as_proofs")
)
def the_handler_throws_on_every_event(run: IncidentRun) -> None:
    run["E:proof.decisions"].clear()


@turns_red("E.3.proof_followed")
def a_decision_too_late(run: IncidentRun) -> None:
    run["E:proof.decisions"][0]["decision_id"] = "1766594640000-0"


@turns_red("E.3.proof_followed")
def a_proof_event_decided_twice(run: IncidentRun) -> None:
    run["E:proof.decisions"].append(deepcopy(run["E:proof.decisions"][0]))


@turns_red("E.3.proof_gated")
def the_age_limit_is_not_applied(run: IncidentRun) -> None:
    run["E:proof.published"][0]["expected"]["status"] = "skipped_stale"


@turns_red("E.3.proof_gated")
def a_duplicate_of_something_else(run: IncidentRun) -> None:
    run["E:proof.published"][1]["expected"] |= {"status": "skipped_duplicate", "duplicate_of": "1-0"}
    run["E:proof.decisions"][1]["fields"] |= {"status": "skipped_duplicate", "reason": "DUPLICATE:2-0"}


@turns_red("E.4.exchange_shows_no_order")
def the_exchange_shows_an_order(run: IncidentRun) -> None:
    order = {"symbol": "NEARUSDT", "orderId": 7, "side": "BUY", "status": "FILLED", "time": 1_766_594_700_000}
    run["E:exchange.orders"]["orders"].append(order)


@turns_red("E.4.exchange_shows_no_order")
def the_exchange_shows_an_order_without_a_time(run: IncidentRun) -> None:
    run["E:exchange.orders"]["algo_orders"].append({"symbol": "NEARUSDT", "algoId": 8})


@turns_red("E.4.exchange_shows_no_order")
def the_exchange_shows_a_position(run: IncidentRun) -> None:
    run["E:exchange.orders"]["positions"][0]["positionAmt"] = "-0.004"


@turns_red("E.4.exchange_shows_no_order")
def the_exchange_took_a_commission(run: IncidentRun) -> None:
    paid = {"symbol": "XRPUSDT", "incomeType": "COMMISSION", "income": "-0.01", "time": 1_766_594_700_000}
    run["E:exchange.orders"]["income"].append(paid)


@turns_red("E.4.no_exchange_key", implies=("D.2.container_as_desired",))
def an_exchange_key_mounted(run: IncidentRun) -> None:
    run["D:container.inspect"]["binds"].append("/srv/binance_api_key:/run/secrets/binance_api_key:ro")


@turns_red("E.4.no_exchange_key", implies=("D.2.no_secret_in_env",))
def an_exchange_key_in_the_environment(run: IncidentRun) -> None:
    run["D:container.inspect"]["env"]["BINANCE_API_SECRET"] = "<masked>"


@turns_red("E.4.no_exchange_client")
def an_exchange_client_loaded(run: IncidentRun) -> None:
    run["E:consumer.state"]["imports"]["exchange_client_loaded"] = True


@turns_red("D.3.only_the_consumer_runs")
def a_second_program(run: IncidentRun) -> None:
    run["D:container.processes"].append({"pid": "9", "uid": "0", "command": "python3 /runner.py"})


@turns_red("E.4.no_decision_traded", implies=("E.1.decided_as_oracle",))
def a_decision_was_filled(run: IncidentRun) -> None:
    first = run[STRETCH]["entries"][0]["id"]
    run["E:results.decisions"][first][0]["fields"]["status"] = "filled"


@turns_red("E.4.no_decision_traded")
def a_skipped_decision_has_orders(run: IncidentRun) -> None:
    first = run[STRETCH]["entries"][0]["id"]
    run["E:results.decisions"][first][0]["fields"]["orders"] = '[{"id": 7}]'


@turns_red("E.5.running", implies=("E.5.healthy",))
def the_container_is_stopped(run: IncidentRun) -> None:
    for sample in run["E:container.window"]:
        sample |= {"state": "exited", "health": "unhealthy"}


@turns_red("E.5.healthy")
def the_container_is_unhealthy(run: IncidentRun) -> None:
    run["E:container.window"][2]["health"] = "unhealthy"


@turns_red("E.5.not_paused")
def the_container_is_paused(run: IncidentRun) -> None:
    for sample in run["E:container.window"]:
        sample["state"] = "paused"


@turns_red("E.5.no_restarts", implies=("E.5.running", "E.5.healthy", "E.5.never_restarted"))
def the_container_restarts_in_a_loop(run: IncidentRun) -> None:
    for n, sample in enumerate(run["E:container.window"]):
        restarted = {"started_at": f"2025-12-24T16:44:3{n}.000Z", "pid": 0, "restart_count": 7 + n}
        sample |= {"state": "restarting", "health": "starting", **restarted}


@turns_red("E.5.no_restarts")
def the_container_restarted_between_the_phases(run: IncidentRun) -> None:
    for sample in run["E:container.window"]:
        sample["pid"] = 4712


@turns_red("E.5.no_restarts", implies=("E.5.never_restarted",))
def the_container_restarts_slowly(run: IncidentRun) -> None:
    for sample in (run["D:container.inspect"], *run["E:container.window"]):
        sample["restart_count"] = 3


@turns_red("E.5.never_restarted")
def a_restart_long_ago(run: IncidentRun) -> None:
    for sample in run["E:container.window"]:
        sample |= {"restart_count": 1, "started_at": "2025-12-24T16:30:00.000000000Z"}
    run["D:container.inspect"] |= {"restart_count": 1, "started_at": "2025-12-24T16:30:00.000000000Z"}


@turns_red("E.5.memory_within")
def the_consumer_leaks(run: IncidentRun) -> None:
    run["E:container.stats"]["memory_bytes"] = 120_000_000


# --- prechecks -------------------------------------------------------------------------------------------


@turns_red("O.1.docker_is_rootful")
def docker_is_rootless(run: IncidentRun) -> None:
    run["A:docker.engine"]["rootless"] = True


@turns_red("O.1.docker_is_new_enough")
def docker_is_too_old(run: IncidentRun) -> None:
    run["A:docker.engine"]["version"] = "19.03.15"


@turns_red("O.1.selinux_not_enforcing")
def selinux_enforces(run: IncidentRun) -> None:
    run["A:host.facts"]["selinux"] = "enforcing"


@turns_red("O.1.network_exists", implies=("B.3.network_found", "B.3.reference_agrees"))
def a_network_with_nobody_on_it(run: IncidentRun) -> None:
    run["A:docker.network"]["containers"] = {}


@turns_red("O.1.reference_on_network")
def the_reference_is_stopped(run: IncidentRun) -> None:
    run["A:docker.reference"]["state"] = "exited"


@turns_red("O.1.redis_answers", implies=("A.3.redis_reachable",))
def redis_takes_no_writes(run: IncidentRun) -> None:
    run["A:redis.server"]["replication_role"] = "slave"


@turns_red("O.1.redis_evicts_no_stream", implies=("A.3.redis_evicts_no_stream",))
def redis_may_drop_any_key_before_a_deploy(run: IncidentRun) -> None:
    run["A:redis.server"]["maxmemory_policy"] = "allkeys-random"


@turns_red("O.1.redis_lets_the_checks_look")
def the_checks_look_as_somebody_else(run: IncidentRun) -> None:
    run["A:redis.whoami"]["user"] = "default"


@turns_red("O.1.clocks_agree")
def the_controllers_clock_is_off(run: IncidentRun) -> None:
    run["A:controller.clock"]["now_ms"] -= 60_000


@turns_red("O.1.disk_has_room", implies=("A.1.disk_has_room",))
def no_room_for_the_image(run: IncidentRun) -> None:
    run.desire(disk_needed_bytes=10**12)


@turns_red("O.1.not_live")
def a_live_release(run: IncidentRun) -> None:
    run["A:release.current"] = {"mode": "live"}


@turns_red("O.1.not_live")
def a_live_container(run: IncidentRun) -> None:
    run["A:container.current"] = {"env": {"TRADE_INTENT_MODE": "live"}}
