import { type Failure, failure } from "./define-failure.ts";

/** Of Compose projects. */
export const stackFailures = {
	"stack-unreadable": failure(
		"the Compose files of the stack cannot be read",
		"let the agent read them, or back up its volumes one by one",
		{ exitCode: 4 },
	),
	"stack-secrets-sealed": failure(
		"the archive's secrets are encrypted with a key that this host does not have",
		"put the key in place, or unpack the parts by hand",
		{ exitCode: 4 },
	),
	"stack-not-healthy": failure(
		"a container of the stack did not become healthy, and what was there before was put back",
		"read the container's log and the run",
	),
	"compose-missing": failure("Docker Compose 2 is not on that host", "install the docker compose plugin", {
		exitCode: 4,
	}),
	"compose-refused": failure(
		"Docker Compose refused what was asked",
		"read Compose's own words in the message",
	),
} as const satisfies Record<string, Failure>;
