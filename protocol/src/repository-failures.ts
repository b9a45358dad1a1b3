import { failure } from "./define-failure.ts";

/** What can go wrong with a restic repository. */
export const repositoryFailures = {
	"repository-not-found": failure(
		"no repository is configured under that name, or none is at its address",
		"look at repositories in the agent's configuration",
		{ exitCode: 10 },
	),
	"repository-locked": failure(
		"another program holds the repository's lock",
		"wait for it; docs/operations.md, 'a repository is locked'",
		{ exitCode: 11, retryable: true },
	),
	"repository-refused": failure(
		"the repository's password, or the file that holds it, cannot be used",
		"put the right password into its file, readable by the agent alone",
		{ exitCode: 12 },
	),
	"repository-unreachable": failure(
		"the repository's server or disk does not answer",
		"see that it runs and can be reached from that host",
		{ exitCode: 8, retryable: true },
	),
	"repository-damaged": failure(
		"a check found that the repository cannot give back all that it was given",
		"docs/operations.md, 'a repository is damaged'",
		{ exitCode: 7 },
	),
	"restic-missing": failure(
		"the host has no restic of version 0.17 or later",
		"install restic 0.17 or later, or name it as resticProgram in the agent's configuration",
		{ exitCode: 4 },
	),
	"restic-failed": failure("restic ended with a failure", "read restic's own message above"),
	"lease-lost": failure(
		"another writer was given the repository meanwhile, or the time to write had passed",
		"ask again",
		{ exitCode: 11, retryable: true },
	),
} as const;
