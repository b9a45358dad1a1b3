/**
 * The argv that runs `argv` so that it never outlives this process or an abort, with all that it starts and mounts: it gets
 * namespaces of its own for processes and mounts, which end with their first process, and that one ends with us. SIGTERM has no effect on it (unshare(1) ignores it), SIGKILL does all.
 */
export function contain(argv: readonly string[]): string[] {
	const own = ["unshare", "--mount", "--mount-proc", "--pid", "--fork", "--kill-child"];
	return ["setpriv", "--pdeathsig", "KILL", ...own, ...argv];
}
