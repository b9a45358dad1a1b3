import { kitNumber, type RecoveryDocument } from "@davit/protocol";

/** What a kit is made of. */
export interface KitContent {
	readonly site: string;
	readonly recipient: string;
	/** The secret key; undefined where it is on an earlier kit only. */
	readonly identity: string | undefined;
	readonly madeAt: string;
	readonly places: RecoveryDocument["places"];
	readonly provenAt: string | null;
}

const commands = (key: string) => [
	`sh restore.sh /an/empty/folder ${key}`,
	`age -d -i ${key} content.tar.zst.age | zstd -dc | tar -xp --numeric-owner -C /an/empty/folder`,
	`davit key add --identity-file ${key}`,
];

const meanings = [
	"In an archive's folder, on any machine with age, zstd and tar: everything of it into an empty folder.",
	"The same by hand.",
	"On a host with Davit: lets it open archives that were encrypted for this key.",
];

/**
 * The kit as text, which is at the same time a key file for `age -i`: every line but the key begins with `#`. Saved or typed off, it
 * opens the archives.
 */
export function kitText({ site, recipient, identity, madeAt, places, provenAt }: KitContent): string {
	const number = kitNumber(recipient);
	const lines = [
		`Davit recovery kit ${number}, site ${site}, made ${madeAt}`,
		"",
		"Keep it where neither fire nor theft takes it together with the archives: on paper, in another house.",
		"Whoever has it can read your archives; without it, and without your hosts, nobody can.",
		"",
		`Recovery key ${recipient}:`,
	];
	const key = identity ?? `# (it is on the kit ${number} that you saved before; Davit does not keep it)`;
	const rest = [
		"",
		"Where the archives are:",
		...places.flatMap(({ name, at, note, commands: own = [] }) => [
			`  ${name}: ${at}${note === "" ? "" : ` (${note})`}`,
			...own.map((command) => `    ${command}`),
		]),
		...(places.length === 0 ? ["  nowhere yet"] : []),
		"",
		"To get them back, with this text saved as kit.txt:",
		...commands("kit.txt").flatMap((command, at) => [`  ${meanings[at]}`, `    ${command}`]),
		"",
		`Last proven restore: ${provenAt ?? "none yet"}`,
		"Each archive's RESTORE.md says the same, and what it needs.",
	];
	const comment = (line: string) => (line === "" ? "#" : `# ${line}`);
	return [...lines.map(comment), key, ...rest.map(comment), ""].join("\n");
}

/** The kit as one printable page that needs nothing else. `code` is the key as a QR code. */
export function kitPage(content: KitContent, code: string | undefined): string {
	const { site, recipient, identity, madeAt, places, provenAt } = content;
	const number = kitNumber(recipient);
	const key =
		identity === undefined
			? `<p>The key is on the kit ${number} that you saved before; Davit does not keep it.</p>`
			: `<pre id="key">${escapeHtml(identity)}</pre>${code ?? ""}`;
	const rows = places.map(
		({ name, at, note, commands: own = [] }) =>
			`<tr><td>${escapeHtml(name)}</td><td><code>${escapeHtml(at)}</code></td><td>${escapeHtml(note)}${own.map((command) => `<pre>${escapeHtml(command)}</pre>`).join("")}</td></tr>`,
	);
	const steps = commands("kit.txt").map(
		(command, at) => `<li>${escapeHtml(meanings[at] ?? "")}<pre>${escapeHtml(command)}</pre></li>`,
	);
	return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Davit recovery kit ${number}</title><style>
body { font: 11pt/1.4 sans-serif; max-width: 44em; margin: 2em auto; color: #000; background: #fff }
pre { white-space: pre-wrap; overflow-wrap: anywhere; border: 1px solid #999; padding: .4em } svg { width: 5cm; height: 5cm }
table { border-collapse: collapse } td { border: 1px solid #999; padding: .2em .5em; vertical-align: top }
</style></head><body>
<h1>Davit recovery kit ${number}</h1>
<p>Site ${escapeHtml(site)}, made ${escapeHtml(madeAt)}. Keep it where neither fire nor theft takes it together with the archives. Whoever has
it can read your archives; without it, and without your hosts, nobody can.</p>
<h2>Recovery key</h2>
<p>Of the recipient <code>${escapeHtml(recipient)}</code>. For the commands below, save or type it into a file <code>kit.txt</code>.</p>
${key}
<h2>Where the archives are</h2>
<table>${rows.join("") || "<tr><td>nowhere yet</td></tr>"}</table>
<h2>To get them back</h2>
<ol>${steps.join("")}</ol>
<p>Last proven restore: ${escapeHtml(provenAt ?? "none yet")}. Each archive's RESTORE.md says the same, and what it needs.</p>
</body></html>
`;
}

function escapeHtml(text: string): string {
	return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
