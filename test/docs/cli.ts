import { exitCodeMeanings, topics } from "@davit/cli/help/topics.ts";
import { groups } from "@davit/cli/tree/commands.ts";
import type { CommandSpec } from "@davit/cli/tree/spec.ts";
import * as protocol from "@davit/protocol";
import { describeFields, describeTypes } from "./describe-schema.ts";

/** The documents of protocol/src/documents.ts that commands print, by the name in their `schema`. */
const documents = [
	protocol.StatusDocument,
	protocol.HostsDocument,
	protocol.ResourcesDocument,
	protocol.ArchivesDocument,
	protocol.RunsDocument,
	protocol.SchedulesDocument,
	protocol.HostDocument,
	protocol.DoctorDocument,
	protocol.ResourceDocument,
	protocol.ArchiveDocument,
	protocol.ArchiveContentDocument,
	protocol.DifferencesDocument,
	protocol.GottenDocument,
	protocol.RescanDocument,
	protocol.PreviewDocument,
	protocol.RunDocument,
	protocol.PlanDocument,
	protocol.ScheduleDocument,
	protocol.SimulationDocument,
	protocol.ResultLine,
	protocol.ErrorDocument,
	protocol.JoinDocument,
	protocol.AccountDocument,
	protocol.RecoveryDocument,
	protocol.RecoveryKitDocument,
];

/** `docs/cli.md`, made from the command tree and the schemas. */
export function commandPage(): string {
	const sections = groups.flatMap(({ title, commands }) => [
		`## ${title.replace(":", "")}`,
		...commands.map(describe),
	]);
	return `${[
		intro,
		...sections,
		"## Exit codes",
		exitCodeTable(),
		"## Addresses",
		indented(topics["addresses"] ?? ""),
		"## Environment",
		indented(topics["environment"] ?? ""),
		"## Documents",
		documentsIntro,
		...documents.map((schema) => describeFields(schema)),
		ownDocuments,
		"## Types",
		describeTypes(),
	].join("\n\n")}\n`;
}

const intro = `# The command

Made by \`node test/docs/main.ts\` from the command's own tree and the schemas in \`protocol/src/documents.ts\`; a test keeps it true.

\`davit\` speaks to the coordinator on this machine over \`DAVIT_HOME/run/davit.sock\`. Standard output is the answer, standard error
the story. On a terminal a run is one live line; elsewhere a line a step and one each 30 s. Every command takes:

- \`--json\`: one JSON document on standard output and nothing else. What runs prints a line \`{"type":"run", …}\` for each change (a
  \`davit/run/1\` document with \`type\` added) and ends in exactly one \`{"type":"result", …}\`, also when it failed.
- \`-q\`, \`--quiet\`: only ids (of a backup or a verification the archive's, of other runs the run's); with \`--json\` only the last line.
- \`--no-input\`: never ask. Without a terminal nothing is ever asked.

Ctrl-C leaves a run alone (exit 9), a second one within 3 s cancels it (exit 130). An error says what was attempted and why not, then
\`why\`, then \`do\`: one line to run.`;

const documentsIntro = `Times are ISO 8601 in UTC, sizes are bytes, durations carry their unit in their name. A field may be added to a document without
a new number; a field that goes or changes gets one.`;

const ownDocuments = `### davit/text/1

What has no document of its own: \`help\`, \`completion\`, \`page\`, \`broker-config\`, a new host's \`host join\`.

| field | what |
|---|---|
| \`schema\` | \`"davit/text/1"\` |
| \`text\` | string |

### davit/start/1

Printed once, when everything serves.

| field | what |
|---|---|
| \`schema\` | \`"davit/start/1"\` |
| \`home\`, \`site\`, \`host\` | string |
| \`link\` | string: lets one browser in, once, within 10 minutes |
| \`broker\` | as in \`davit/status/1\` |
| \`resources\` | list of addresses |
| \`engine\` | string or null |
| \`hints\` | list of string |`;

function describe(spec: CommandSpec): string {
	const usage = `davit ${spec.name} ${spec.words}`.trim();
	const options = (spec.options ?? []).map(({ flags, summary }) => `- \`${flags}\`: ${summary}`);
	const documentsLine = `\`--json\`: ${spec.documents.map((name) => `[${name}](#${anchorOf(name)})`).join(", ")}`;
	return [
		`### davit ${spec.name}`,
		spec.summary,
		fenced([usage, "", ...spec.examples]),
		options.join("\n"),
		documentsLine,
	]
		.filter((part) => part !== "")
		.join("\n\n");
}

function exitCodeTable(): string {
	const rows = Object.entries(exitCodeMeanings).map(([code, meaning]) => `| ${code} | ${meaning} |`);
	return ["| code | meaning |", "|---|---|", ...rows, "", "Any other code is a failure too."].join("\n");
}

function anchorOf(schema: string): string {
	return schema.replaceAll("/", "");
}

function fenced(lines: readonly string[]): string {
	return ["```", ...lines, "```"].join("\n");
}

function indented(topic: string): string {
	const [, ...lines] = topic.trim().split("\n");
	return fenced(
		lines.map((line) => line.replace(/^ {2}/, "")).filter((line, index) => index > 0 || line !== ""),
	);
}
