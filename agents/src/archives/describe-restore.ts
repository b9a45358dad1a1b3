import { type Artefact, consistencyPhrases, type Manifest } from "@davit/protocol";
import { contentFile, entriesFile, sealedEnding } from "../files/write-content.ts";
import { signatureNamespace } from "./sign-manifest.ts";

/** Restores an archive with nothing of Davit: POSIX sh, sha256sum, zstd and tar, and age where it is encrypted. */
export const restoreScript = `#!/bin/sh
# Unpacks this archive into an empty folder: sh restore.sh FOLDER [KEY-FILE]
# Needs sha256sum, zstd and GNU tar, and age with KEY-FILE where it is encrypted. Run it as root to keep the owners.
set -eu
if [ $# -lt 1 ] || [ $# -gt 2 ] || [ -z "$1" ]; then
	echo "usage: sh restore.sh EMPTY-FOLDER [KEY-FILE]" >&2
	exit 2
fi
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
content=content.tar.zst
tools="sha256sum zstd tar"
key=
if [ -e "$here/$content.age" ]; then
	content=$content.age
	tools="$tools age"
	if [ ! -r "\${2-}" ]; then
		echo "this archive is encrypted: sh restore.sh EMPTY-FOLDER KEY-FILE; a recovery kit's text is such a file" >&2
		exit 2
	fi
	key=$(CDPATH='' cd -- "$(dirname -- "$2")" && pwd)/$(basename -- "$2")
fi
for tool in $tools; do
	if ! command -v "$tool" >/dev/null 2>&1; then
		echo "restore.sh needs $tool, which is not installed" >&2
		exit 3
	fi
done
mkdir -p -- "$1"
target=$(CDPATH='' cd -- "$1" && pwd)
if [ -n "$(ls -A "$target")" ]; then
	echo "$target is not empty; nothing was done" >&2
	exit 2
fi
cd -- "$here"
if ! sha256sum -c SHA256SUMS >/dev/null; then
	echo "this archive is damaged; nothing was unpacked" >&2
	exit 4
fi
if [ -n "$key" ] && ! age -d -i "$key" entries.jsonl.zst.age >/dev/null; then
	echo "this key does not open this archive; RESTORE.md names those that do; nothing was unpacked" >&2
	exit 2
fi
decode() {
	if [ -z "$key" ]; then
		echo opened >&3
		zstd -dc "$content"
	else
		{ age -d -i "$key" "$content" && echo opened >&3; } | zstd -dc
	fi
}
# A pipe shows only tar's end; those of age and zstd come through descriptor 3.
decoded=$({ { decode && echo whole >&3; } | tar -xpf - --numeric-owner --xattrs --xattrs-include='*' --acls -C "$target" >&2; } 3>&1)
if [ "$decoded" != "$(printf 'opened\\nwhole')" ]; then
	echo "the content could not be decoded; $target is not complete" >&2
	exit 4
fi
echo "restored into $target"
`;

/** For a person who has this folder and no Davit. */
export function restoreGuide(manifest: Manifest, sshKey: string): string {
	const { archive, resource, host, site, takenAt, outcome, consistency, entries, contentBytes } = manifest;
	const isSealed = manifest.recipients !== undefined;
	const script = `sh restore.sh /an/empty/folder${isSealed ? " /the/key/file" : ""}`;
	const decode = isSealed
		? `age -d -i /the/key/file ${contentFile}${sealedEnding} | zstd -dc`
		: `zstd -dc ${contentFile}`;
	const ending = isSealed ? sealedEnding : "";
	return `# How to restore this archive without Davit

Archive **${archive}** of \`${resource}\` on host \`${host}\` (site \`${site}\`), taken ${takenAt}.
${entries} entries, ${contentBytes} bytes of content. While it was taken containers that wrote were ${consistencyPhrases[consistency]} (${consistency}).
Outcome: ${outcome}.

## Restore

    ${script}

It checks this folder's sums first, then unpacks everything with owners, modes, times, attributes, access lists and holes. Run it
as root to keep owners.
It needs \`sha256sum\`, \`zstd\` and GNU \`tar\`${isSealed ? " and `age`" : ""}. The same by hand:

    sha256sum -c SHA256SUMS
    ${decode} | tar -xp --numeric-owner --xattrs --xattrs-include='*' --acls -C /an/empty/folder
${isSealed ? keyText(manifest) : ""}
A Docker volume's folder is what \`docker volume inspect --format '{{.Mountpoint}}' NAME\` prints. Stop the containers that use it
first.

${stackGuide(manifest)}## Who made it

The manifest is signed with the host's key. With the line below in a file \`allowed_signers\`:

    ssh-keygen -Y verify -f allowed_signers -I ${host} -n ${signatureNamespace} -s MANIFEST.json.sig < MANIFEST.json

${allowedSigner(host, sshKey)}

The line tells only that this folder was not changed since. That the host was yours is told by a copy of the line that you keep
elsewhere.

## What is in the folder

- \`${contentFile}${ending}\`: the tree, as a pax tar in zstd frames
- \`${entriesFile}${ending}\`: every entry with its size, owner, times and SHA-256, one line of JSON each
- \`MANIFEST.json\`, \`MANIFEST.json.sig\`: what this is, and the signature
- \`SHA256SUMS\`: of all files here
- \`proof.json\`, if it is there: what the last verification found

## What it does not hold

${listing(manifest.losses, "Nothing is known to be missing.")}

## Warnings of the backup

${listing(manifest.warnings, "None.")}
`;
}

function keyText({ recipients = [] }: Manifest): string {
	const lines = recipients.map(({ role, recipient }) => `- ${role} key \`${recipient}\``).join("\n");
	return `
The content and the list of entries are encrypted. Any of these keys opens them; \`age-keygen -y /the/key/file\` prints which one a
file holds:

${lines}

The text of the recovery kit, saved as it is, is a key file.
`;
}

export function allowedSigner(host: string, sshKey: string): string {
	return `${host} namespaces="${signatureNamespace}" ${sshKey}`;
}

/** As `sha256sum -c` reads it. */
export function sumsText(sums: readonly Pick<Artefact, "path" | "sha256">[]): string {
	return sums
		.toSorted((left, right) => (left.path < right.path ? -1 : 1))
		.map(({ path, sha256 }) => `${sha256}  ${path}\n`)
		.join("");
}

function listing(lines: readonly string[], none: string): string {
	if (lines.length === 0) return none;
	const shown = lines.slice(0, 50).map((line) => `- ${line}`);
	return [...shown, ...(lines.length > 50 ? [`- and ${lines.length - 50} more, in MANIFEST.json`] : [])].join(
		"\n",
	);
}

/** Of a stack: its content is only the project's own files, and all data lies in the parts. */
function stackGuide({ stack }: Manifest): string {
	if (stack === undefined) return "";
	const parts = stack.parts.map(({ folder, resource }) => `- \`${folder}\`: \`${resource}\``);
	const images = stack.images === null ? [] : ["- `images`: the images, as one file for `docker load`"];
	const secrets =
		stack.secrets === null
			? []
			: ["- `secrets.age`: what is secret of the files, as JSON: `age -d -i KEY secrets.age`"];
	return `## The parts of the stack

What is restored above are the files of Compose project \`${stack.project}\` (below \`files/\`), its networks, images' digests and devices.
Each folder below is an archive of its own: \`sh PART/restore.sh /an/empty/folder\`.

${[...parts, ...images, ...secrets].join("\n")}

`;
}
