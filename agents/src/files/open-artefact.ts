import { join } from "node:path";
import { type Artefact, type Manifest, OperationError } from "@davit/protocol";
import { FrameFile } from "./frame-file.ts";
import type { Opened } from "./job.ts";
import { FrameReader } from "./read-frames.ts";
import { sealedEnding } from "./write-content.ts";
import type { WrittenFrames } from "./write-frames.ts";

/**
 * A file of an archive, encrypted or not, to be read from its beginning.
 * @throws OperationError archive-locked when it is encrypted and its key was not handed over
 */
export function openArtefact(opened: Opened, manifest: Manifest, name: string): FrameReader {
	const { path, fileKey, hashesContent } = locateArtefact(opened, manifest, name);
	return new FrameReader(path, fileKey, { hashesContent });
}

/** The same, for reading any part of it. */
export function openFrames(opened: Opened, manifest: Manifest, name: string): FrameFile {
	const { path, fileKey } = locateArtefact(opened, manifest, name);
	return new FrameFile(path, fileKey);
}

interface Located {
	readonly path: string;
	readonly fileKey: string | undefined;
	readonly hashesContent: boolean;
}

function locateArtefact({ archive, fileKeys }: Opened, { artefacts }: Manifest, name: string): Located {
	const found = artefacts.find((artefact) => isNamed(artefact, name));
	const path = found?.path ?? name;
	const hashesContent = found?.contentSha256 !== undefined;
	const fileKey = fileKeys?.[path];
	if (path !== name && fileKey === undefined) {
		throw new OperationError(
			"archive-locked",
			`${join(archive, path)} is encrypted, and its key is not here`,
		);
	}
	return { path: join(archive, path), fileKey: path === name ? undefined : fileKey, hashesContent };
}

export function isNamed({ path }: Artefact, name: string): boolean {
	return path === name || path === `${name}${sealedEnding}`;
}

export function isSameFile(found: WrittenFrames, expected: Artefact): boolean {
	return (
		found.bytes === expected.bytes &&
		found.sha256 === expected.sha256 &&
		found.contentBytes === expected.contentBytes &&
		(expected.contentSha256 === undefined || found.contentSha256 === expected.contentSha256) &&
		found.frames === expected.frames
	);
}
