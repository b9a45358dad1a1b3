import { failure } from "./define-failure.ts";

/** Why a request or a command is not obeyed as it came. */
export const wireFailures = {
	"request-malformed": failure("the request is not one Davit understands", "see docs/protocol.md", {
		exitCode: 2,
	}),
	"command-malformed": failure("the command cannot be read", "see the coordinator's log"),
	"command-too-large": failure("a message is larger than 64 KiB", "see the sender's log"),
	"command-forged": failure("the command's signature is not the coordinator's", "find out who published it", {
		exitCode: 12,
	}),
	"command-foreign": failure("the command is for another host or site", "find out who published it", {
		exitCode: 12,
	}),
	"command-retained": failure("a retained command was dropped", "clear the retained message on that topic", {
		exitCode: 12,
	}),
	"command-expired": failure(
		"the command came after its start-by time",
		"ask again; look at the host's clock",
		{ retryable: true },
	),
	"command-altered": failure("the same command id came with other bytes", "find out who published it", {
		exitCode: 12,
	}),
	"epoch-stale": failure(
		"the command is from an earlier life of the coordinator",
		"restart the coordinator and ask again",
		{ retryable: true },
	),
	"fence-stale": failure("a newer command for the resource was already seen", "ask again", {
		retryable: true,
	}),
	"clock-skewed": failure(
		"the host's clock and the coordinator's differ by more than five minutes",
		"set the host's clock",
		{ exitCode: 4 },
	),
	"not-welcome": failure(
		"the host has not yet been heard and greeted by its coordinator",
		"wait a moment, then ask again",
		{ exitCode: 11, retryable: true },
	),
} as const;
