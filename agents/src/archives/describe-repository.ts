import { basename, dirname } from "node:path";
import { consistencyPhrases, type Manifest } from "@davit/protocol";

/** Restores an archive out of its repository with nothing of Davit: POSIX sh and restic. */
export function repositoryScript({ archive, repository }: Manifest): string {
	const folder = repository?.folder ?? "";
	return `#!/bin/sh
# Restores archive ${archive} into an empty folder: sh restore.sh FOLDER
# Needs restic, and what opens the repository in the environment: RESTIC_REPOSITORY and RESTIC_PASSWORD_FILE. Run it as root to keep
# the owners.
set -eu
if [ $# -ne 1 ] || [ -z "$1" ]; then
	echo "usage: sh restore.sh EMPTY-FOLDER" >&2
	exit 2
fi
if ! command -v restic >/dev/null 2>&1; then
	echo "restore.sh needs restic, which is not installed" >&2
	exit 3
fi
mkdir -p -- "$1"
if [ -n "$(ls -A "$1")" ]; then
	echo "$1 is not empty; nothing was done" >&2
	exit 2
fi
restic restore latest:${quote(dirname(folder))} --tag davit.archive=${archive} --include ${quote(`/${literal(basename(folder))}`)} --target "$1" --sparse
echo "restored into $1/"${quote(basename(folder))}
`;
}

/** For a person who has the repository, or this folder, and no Davit. */
export function repositoryGuide(manifest: Manifest): string {
	const { archive, resource, host, site, takenAt, outcome, consistency, entries, repository } = manifest;
	return `# How to restore this archive without Davit

Archive **${archive}** of \`${resource}\` on host \`${host}\` (site \`${site}\`), taken ${takenAt}.
${entries} entries. While it was taken containers that wrote were ${consistencyPhrases[consistency]} (${consistency}). Outcome: ${outcome}.

Its content is a snapshot in the restic repository that the host called \`${repository?.name}\` (id \`${repository?.id}\`), with the tag
\`davit.archive=${archive}\`.

## Restore

    export RESTIC_REPOSITORY=... RESTIC_PASSWORD_FILE=...
    sh restore.sh /an/empty/folder

The tree is then in \`/an/empty/folder/${basename(repository?.folder ?? "")}\`, with owners where root does it. \`restic snapshots --tag davit.archive=${archive}\` shows the
snapshot; this file, the list of entries with their SHA-256 and the signed manifest are in it too.

## What it does not hold

${manifest.losses.length === 0 ? "Nothing is known to be missing." : manifest.losses.map((loss) => `- ${loss}`).join("\n")}
${
	manifest.warnings.length === 0
		? ""
		: `\n${manifest.warnings
				.slice(0, 50)
				.map((line) => `- ${line}`)
				.join("\n")}\n`
}`;
}

function quote(text: string): string {
	return `'${text.replaceAll("'", "'\\''")}'`;
}

/** As a pattern of restic's that means just this name. */
function literal(name: string): string {
	return name.replaceAll(/[*?[\\]/g, "\\$&");
}
