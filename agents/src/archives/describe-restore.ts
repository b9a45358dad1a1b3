import { type Artefact, consistencyPhrases, type Manifest } from "@davit/protocol";
import { signatureNamespace } from "./sign-manifest.ts";

/** Restores an archive with nothing of Davit: POSIX sh, sha256sum, zstd and tar. */
export const restoreScript = `#!/bin/sh
# Unpacks this archive into an empty folder: sh restore.sh FOLDER
# Needs sha256sum, zstd and GNU tar. Run it as root to keep the owners.
set -eu
if [ $# -ne 1 ] || [ -z "$1" ]; then
	echo "usage: sh restore.sh EMPTY-FOLDER" >&2
	exit 2
fi
for tool in sha256sum zstd tar; do
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
CDPATH='' cd -- "$(dirname -- "$0")"
if ! sha256sum -c SHA256SUMS >/dev/null; then
	echo "this archive is damaged; nothing was unpacked" >&2
	exit 4
fi
# A pipe shows only tar's end; zstd's comes through descriptor 3.
decoded=$({ { zstd -dc content.tar.zst && echo whole >&3; } | tar -xpf - --numeric-owner -C "$target" >&2; } 3>&1)
if [ "$decoded" != whole ]; then
	echo "the content could not be decoded; $target is not complete" >&2
	exit 4
fi
echo "restored into $target"
`;

/** For a person who has this folder and no Davit. */
export function restoreGuide(manifest: Manifest, sshKey: string): string {
	const { archive, resource, host, site, takenAt, outcome, consistency, entries, contentBytes } = manifest;
	return `# How to restore this archive without Davit

Archive **${archive}** of \`${resource}\` on host \`${host}\` (site \`${site}\`), taken ${takenAt}.
${entries} entries, ${contentBytes} bytes of content. While it was taken containers that wrote were ${consistencyPhrases[consistency]} (${consistency}).
Outcome: ${outcome}.

## Restore

    sh restore.sh /an/empty/folder

It checks this folder's sums first, then unpacks everything with owners, modes and times. Run it as root to keep owners.
It needs \`sha256sum\`, \`zstd\` and GNU \`tar\`. The same by hand:

    sha256sum -c SHA256SUMS
    zstd -dc content.tar.zst | tar -xp --numeric-owner -C /an/empty/folder

A Docker volume's folder is what \`docker volume inspect --format '{{.Mountpoint}}' NAME\` prints. Stop the containers that use it
first.

## Who made it

The manifest is signed with the host's key. With the line below in a file \`allowed_signers\`:

    ssh-keygen -Y verify -f allowed_signers -I ${host} -n ${signatureNamespace} -s MANIFEST.json.sig < MANIFEST.json

${allowedSigner(host, sshKey)}

The line tells only that this folder was not changed since. That the host was yours is told by a copy of the line that you keep
elsewhere.

## What is in the folder

- \`content.tar.zst\`: the tree, as a pax tar in zstd frames
- \`entries.jsonl.zst\`: every entry with its size, owner, times and SHA-256, one line of JSON each
- \`MANIFEST.json\`, \`MANIFEST.json.sig\`: what this is, and the signature
- \`SHA256SUMS\`: of all files here
- \`proof.json\`, if it is there: what the last verification found

## What it does not hold

${listing(manifest.losses, "Nothing is known to be missing.")}

## Warnings of the backup

${listing(manifest.warnings, "None.")}
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
