/** How `davit` ends, in words; docs/cli.md says the same. */
export const exitCodeMeanings: Readonly<Record<number, string>> = {
	0: "done",
	1: "failed; nothing was changed, or it was undone",
	2: "not understood, or a confirmation is missing",
	3: "partial: done, with something left out",
	4: "blocked by its plan, or the plan no longer holds",
	5: "rolled back; the old version serves",
	6: "inconsistent: a person is needed",
	7: "not proven: a verification failed",
	8: "the host or the coordinator cannot be reached",
	9: "still running: detached, or --timeout passed",
	10: "it does not exist",
	11: "busy or locked",
	12: "not allowed",
	130: "cancelled",
};

export const topics: Readonly<Record<string, string>> = {
	addresses: `Addresses

  host/resource              nas/grafana-data
  host/volume:NAME           nas/volume:grafana-data
  host/path:/srv/x           nas/path:/srv/photos
  resource                   grafana-data, where only one in the site goes by it
  host/*                     everything on a host (schedules; quote it for the shell)

An archive is named by its id, or the first 4 or more of its digits, or from its resource:

  nas/grafana-data@latest    the newest
  nas/grafana-data@7f3a      by its id

A run is r and eight letters, a plan p and eight letters, as they were printed.
`,
	"exit-codes": `Exit codes

${Object.entries(exitCodeMeanings)
	.map(([code, meaning]) => `  ${code.padStart(3)}  ${meaning}`)
	.join("\n")}

Any other code is a failure too.
`,
	json: `JSON

--json prints one document on standard output and nothing else; what went wrong is a davit/error/1 document there, too.
What runs (backup, verify, restore, undo, apply, watch) prints a line for each change, {"type":"run", …}, and ends in exactly
one {"type":"result", …}, also when it failed; its exitCode is the command's. --quiet --json prints only that last line.
With --plan the answer is one davit/plan/1 document. Fields: docs/cli.md. The story for a person stays on standard error.
`,
	environment: `Environment

  DAVIT_HOME     where all state and archives lie (root: /var/lib/davit; a person: ~/.local/share/davit)
  DAVIT_PORT     the page's port for davit start (8787)
  DAVIT_BROKER   another broker than the embedded one for davit start
  NO_COLOR       no colours; FORCE_COLOR asks for them

Secrets are never read from the environment: --broker-password-file.
`,
	proof: `Proof: how far an archive is known to be good

  taken      it was written and its manifest committed
  verified   every byte was read back and matched the signed manifest
  drilled    it was restored for trial, and that worked
  off-site   a second copy lies elsewhere

Unknown is never shown as safe.
`,
	retention: `Retention: which archives stay

  --keep-last 3        the newest three
  --keep-daily 7       the newest of each of seven days that have one; so --keep-hourly, -weekly (ISO), -monthly, -yearly
  --keep-within 30d    all that are at most so much older than the newest good one
  --keep-at-least 2    so many good ones, whatever the rest says
  --keep-zone ZONE     whose days they are; UTC where it is not given

An archive stays when any rule keeps it; all schedules of a resource count together, and a resource's own policy (the volume's
label davit.keep=last=3,daily=7 or the agent's configuration) wins. Only verified, complete, undamaged archives count. Always kept:
the newest good one, the newest proven one, and pinned ones (davit pin). What is not kept is marked first and goes after a grace
(7 days in which its host serves); davit undelete keeps it after all. davit hold keeps everything of a resource; Davit does so
itself when a backup is suddenly much smaller or looks encrypted, until davit release. davit schedule simulate shows it all before.
`,
};

/** What a failure's code means and what to do; undefined where there is no such code. */
export async function failureText(code: string): Promise<string | undefined> {
	const { failures } = await import("@davit/protocol");
	const found = Object.entries(failures).find(([name]) => name === code);
	if (found === undefined) return undefined;
	const [name, failure] = found;
	const again = failure.retryable
		? "It may be tried again unchanged."
		: "Trying it again unchanged will not help.";
	return `E-${name}: ${failure.meaning}\n\n  do    ${failure.advice}\n  exit  ${failure.exitCode}\n\n${again}\n`;
}
