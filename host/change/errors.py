"""What can go wrong while the host is being changed, in words that say what to do about it."""

from __future__ import annotations

from host.base.errors import HostProgramError


class LockHeldError(HostProgramError):
    """Somebody else changes this host just now."""

    code = "LOCK_HELD"
    default_remedy = (
        "wait for that run to end; when it is dead, break its lock with "
        "`ansible-playbook playbooks/unlock.yml -e reason=…`, which is written to the audit log"
    )


class LockLostError(HostProgramError):
    """The lock that this command was started under is not its own (any more); nothing more is changed."""

    code = "LOCK_LOST"
    default_remedy = (
        "see who holds the lock now with `ansible-playbook playbooks/status.yml`, then deploy again"
    )


class EngineError(HostProgramError):
    """The Docker engine refused or did not answer."""

    code = "ENGINE"
    default_remedy = "see that the Docker engine answers (`docker info` as root), then run again"


class RedisError(HostProgramError):
    """Redis refused or did not answer."""

    code = "REDIS"
    default_remedy = "see that Redis runs and that its user trade_intent_deploy may do this, then run again"


class HostError(HostProgramError):
    """The host's file system or its processes refused."""

    code = "HOST"
    default_remedy = (
        "see that this runs as root, that `state prepare` ran and that the disk has room, then run again"
    )


class StreamTypeError(HostProgramError):
    """The stream's key holds something else."""

    code = "NOT_A_STREAM"
    default_remedy = "see in Redis what stands at that key; the stream's name is a setting of the inventory"


class StreamBusyError(HostProgramError):
    """The end of the stream moved at every attempt to stand there."""

    code = "STREAM_BUSY"
    default_remedy = "run again; when it stays so, stop the producers for a moment"


class GroupLostError(HostProgramError):
    """The group was cut over once and is gone: entries may have passed that nobody decides."""

    code = "GROUP_LOST"
    default_remedy = (
        "find out who removed the group or the stream (a flush, a failover); then start again at the end of "
        "the stream with `ansible-playbook deploy.yml -e safe_drain=true -e cutover=true`"
    )


class CutoverUnprovedError(HostProgramError):
    """Redis does not say what it must say after the cutover."""

    code = "CUTOVER_UNPROVED"
    default_remedy = "keep the consumer stopped and look at `XINFO GROUPS`; Redis 7.0 or newer is needed"


class ContainerMissingError(HostProgramError):
    """A container that the plan needs does not exist."""

    code = "CONTAINER_MISSING"
    default_remedy = "deploy again: the play creates it"


class NothingToSwitchError(HostProgramError):
    """There is no container to switch to."""

    code = "NOTHING_TO_SWITCH"
    default_remedy = "create the new container first; the deploy's play does so"


class ReleaseMismatchError(HostProgramError):
    """The container at hand is not of the release that is spoken of."""

    code = "RELEASE_MISMATCH"
    default_remedy = "deploy again, so that container and release document are made together"


class NotVerifiedError(HostProgramError):
    """Only evidence with the verdict pass makes a release a verified one."""

    code = "NOT_VERIFIED"
    default_remedy = "record it with verified=false, or deploy again until the evidence says pass"


class StillRunningError(HostProgramError):
    """A container that was told to stop runs on; starting another would make two consumers."""

    code = "STILL_RUNNING"
    default_remedy = "stop that container by hand, then deploy again"


class NotHealthyError(HostProgramError):
    """The container that was started did not become, or did not stay, running and healthy."""

    code = "NOT_HEALTHY"
    default_remedy = (
        "read the container's last log lines in the switch's record, mend the cause, deploy again"
    )


class SwitchRunningError(HostProgramError):
    """A switch is under way; it ends by itself."""

    code = "SWITCH_RUNNING"
    default_remedy = "wait for its end with `switch wait`, then run again"


class SwitchInterruptedError(HostProgramError):
    """The last switch died half-way and has to be finished first."""

    code = "SWITCH_INTERRUPTED"
    default_remedy = "finish it with `switch resume`; the deploy's play does so before it starts another"


class TakenBackError(HostProgramError):
    """A finished switch is taken back because something failed after it."""

    code = "TAKEN_BACK"
    default_remedy = "read the run's report for what failed, mend it and deploy again"


class UnknownSwitchError(HostProgramError):
    """The switch that was asked for is not the last one."""

    code = "UNKNOWN_SWITCH"
    default_remedy = "read the last switch with `switch show`"


class NothingToRollBackError(HostProgramError):
    """There is no finished switch to take back."""

    code = "NOTHING_TO_ROLL_BACK"
    default_remedy = "deploy the release that is wanted instead"


class SecretMissingError(HostProgramError):
    """A secret that is needed has not been put on this host."""

    code = "SECRET_MISSING"
    default_remedy = "write it with `file put-secret` first; the deploy's play does so"
