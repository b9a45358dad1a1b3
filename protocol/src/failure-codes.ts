import { z } from "zod";
import { copyFailures } from "./copy-failures.ts";
import { type Failure, failure } from "./define-failure.ts";
import { proofFailures } from "./proof-failures.ts";
import { repositoryFailures } from "./repository-failures.ts";
import { stackFailures } from "./stack-failures.ts";
import { wireFailures } from "./wire-failures.ts";

/** Every failure that an operator can act on. `docs/errors.md` is made from this table. */
export const failures = {
	...wireFailures,
	"host-not-found": failure("no host has that name", "davit list hosts", { exitCode: 10 }),
	"host-offline": failure("the host has not been heard", "see that its agent runs and reaches the broker", {
		exitCode: 8,
		retryable: true,
	}),
	"host-name-taken": failure(
		"another agent already answers to that host name",
		"stop one of them, or join it under another name",
		{ exitCode: 12 },
	),
	"resource-not-found": failure("the host has no such resource", "davit list resources", { exitCode: 10 }),
	"resource-ambiguous": failure("more than one resource answers to that name", "name it as host/kind:name", {
		exitCode: 2,
	}),
	"resource-busy": failure("another operation holds the resource", "wait for it, or davit cancel it", {
		exitCode: 11,
		retryable: true,
	}),
	"resource-in-use": failure("something Davit does not know holds the resource", "stop it, then try again", {
		exitCode: 11,
		retryable: true,
	}),
	"resource-exists": failure("something has that name already", "choose another name", { exitCode: 4 }),
	"volume-not-found": failure("the engine has no volume of that name", "davit list resources", {
		exitCode: 10,
	}),
	"path-not-found": failure("the folder does not exist", "see that it is mounted", { exitCode: 10 }),
	"path-not-allowed": failure(
		"the folder is not among those the agent may touch",
		"add it to the agent's folders",
		{ exitCode: 12 },
	),
	"archive-not-found": failure("no archive has that id", "davit list archives", { exitCode: 10 }),
	"entry-not-found": failure("the archive has no such file or folder", "davit browse ARCHIVE", {
		exitCode: 10,
	}),
	"archive-ambiguous": failure("more than one archive's id starts so", "type more of the id", {
		exitCode: 2,
	}),
	"archive-foreign": failure(
		"the archive is of another resource",
		"davit list archives of the resource you mean",
		{ exitCode: 2 },
	),
	"archive-corrupt": failure(
		"the archive does not match its manifest",
		"restore an older one and verify the rest",
		{ exitCode: 7 },
	),
	"archive-too-new": failure(
		"the archive has a newer format than this Davit reads",
		"upgrade Davit on that host",
		{ exitCode: 4 },
	),
	"archive-locked": failure(
		"the archive is encrypted, and no key on that host opens it",
		"on that host: davit key add --identity-file FILE, with the recovery kit's key",
		{ exitCode: 4 },
	),
	"archive-protected": failure(
		"it is the newest good archive of its resource, which Davit never removes",
		"take a newer one first",
		{ exitCode: 4 },
	),
	"archive-not-marked": failure(
		"the archive is not marked for removal, so there is nothing to undelete",
		"davit pin it, if it is to stay",
		{ exitCode: 10 },
	),
	...repositoryFailures,
	...copyFailures,
	"disk-full": failure("the disk has not enough space", "free space on that disk, then try again", {
		retryable: true,
	}),
	"docker-unreachable": failure(
		"no Docker engine answers on that host",
		"start Docker, or look at its socket's permissions",
		{ retryable: true },
	),
	"docker-refused": failure(
		"the Docker engine refused what was asked",
		"read the engine's own message above",
	),
	"container-not-resumed": failure(
		"a container could not be brought back as it was",
		"start it by hand, then read the run's log",
		{ exitCode: 6 },
	),
	"hook-failed": failure(
		"a program that runs in a container before a backup failed",
		"mend it, or skip it with --hooks",
	),
	"hook-not-allowed": failure(
		"the agent's configuration has no such hook for the resource",
		"write it into hooks of the agent's configuration",
		{ exitCode: 12 },
	),
	"snapshot-refused": failure(
		"a file-system snapshot could not be taken or removed",
		"read the program's own words above, or back up with --consistency paused",
	),
	...stackFailures,
	...proofFailures,
	"plan-not-found": failure("no plan has that id", "make one again with --plan", { exitCode: 10 }),
	"plan-expired": failure("the plan is older than 15 minutes", "make one again with --plan", { exitCode: 4 }),
	"plan-stale": failure("the facts moved since the plan was made", "read the new plan, then apply that one", {
		exitCode: 4,
		retryable: true,
	}),
	"confirmation-missing": failure(
		"this replaces data and needs the resource's name as confirmation",
		"repeat with --confirm NAME",
		{ exitCode: 2 },
	),
	"undo-not-found": failure("there is nothing kept to go back to", "restore an archive instead", {
		exitCode: 10,
	}),
	"not-allowed": failure("this principal may not ask for that", "ask as the operator", { exitCode: 12 }),
	unsupported: failure("this Davit does not know that operation or version", "upgrade the older of the two", {
		exitCode: 4,
	}),
	cancelled: failure("it was cancelled", "ask again when you want it", { exitCode: 130 }),
	"past-commit": failure(
		"it had gone past the point of no return and will finish",
		"undo it when it has ended",
	),
	interrupted: failure("the agent ended in the middle; what it had begun was undone", "ask again", {
		retryable: true,
	}),
	"deadline-passed": failure(
		"it took longer than it may, and what it had begun was undone",
		"ask again when the host has less to do",
		{ retryable: true },
	),
	inconsistent: failure(
		"Davit cannot tell what state the resource is in",
		"read the run; a person must decide",
		{ exitCode: 6 },
	),
	"outcome-unknown": failure(
		"the host fell silent; the operation may go on there",
		"wait for the host to be heard again",
		{ exitCode: 8 },
	),
	"run-not-found": failure("no run has that id", "davit list runs", { exitCode: 10 }),
	"run-ended": failure("the run has already ended", "davit show it", { exitCode: 4 }),
	"schedule-not-found": failure("no schedule has that name", "davit list schedules", { exitCode: 10 }),
	"schedule-invalid": failure(
		"the schedule's times cannot be read",
		"five cron fields and a time zone, as in '0 3 * * *' Europe/Berlin",
		{ exitCode: 2 },
	),
	"token-invalid": failure(
		"the joining string is wrong, used or older than 15 minutes",
		"make another on the coordinator's host",
		{ exitCode: 12 },
	),
	"fingerprint-mismatch": failure(
		"the coordinator is not the one that made the joining string",
		"do not go on; check the address",
		{ exitCode: 12 },
	),
	"broker-unreachable": failure(
		"no broker answers at that address",
		"see that it runs and that the address is right",
		{ exitCode: 8, retryable: true },
	),
	"broker-refused": failure(
		"the broker refused the user or password",
		"davit account, then put the right password in place",
		{ exitCode: 12 },
	),
	"coordinator-unreachable": failure("no coordinator answers on this machine", "davit start", {
		exitCode: 8,
		retryable: true,
	}),
	"port-taken": failure("the port is used by another program", "stop it, or choose another with DAVIT_PORT"),
	"part-failed": failure(
		"a run of several parts ended with parts that did not succeed",
		"look at each part: davit show RUN",
		{ exitCode: 3, retryable: true },
	),
	"key-invalid": failure(
		"an age key or recipient cannot be used",
		"copy it again, whole, from the recovery kit",
		{
			exitCode: 2,
		},
	),
	"configuration-invalid": failure("a configuration key cannot be used", "mend the key named above", {
		exitCode: 2,
	}),
	"database-locked": failure("another process has the database open", "end the other Davit on this machine", {
		exitCode: 11,
		retryable: true,
	}),
	"database-read-only": failure("the database cannot be written", "look at its permissions and its disk"),
	"database-damaged": failure("the database is damaged", "docs/operations.md, 'a database is damaged'", {
		exitCode: 6,
	}),
	"internal-error": failure("a defect in Davit", "please report it with the log"),
} as const satisfies Record<string, Failure>;

export type FailureCode = keyof typeof failures;

// Object.keys of the table above are exactly its keys.
const codes = Object.keys(failures) as [FailureCode, ...FailureCode[]];

/** A code as it comes off the wire; a code of a newer Davit is read as `internal-error`, never as success. */
export const FailureCode = z.enum(codes).catch("internal-error");
