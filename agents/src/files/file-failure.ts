import { statfsSync } from "node:fs";
import { OperationError } from "@davit/protocol";

export interface Attempt {
	/** As in "writing the archive". */
	readonly doing: string;
	readonly path: string;
	/** What the whole attempt needs on that disk, where it is known. */
	readonly needBytes?: number;
}

/** What the file system said, as a failure that an operator can act on; anything else comes back as it is. */
export function fileFailure(error: unknown, attempt: Attempt): unknown {
	const code = errnoOf(error);
	if (code === "ENOSPC" || code === "EDQUOT") return diskFull(error, attempt);
	if (code === "EROFS") {
		const message = `${attempt.doing} failed: the disk of ${attempt.path} can only be read`;
		const hint = "mount that disk so that it can be written, then try again";
		return new OperationError("path-not-allowed", message, { cause: error, hint });
	}
	if (code !== "EACCES" && code !== "EPERM") return error;
	const message = `${attempt.doing} failed: no permission for ${deniedPath(error, attempt.path)}`;
	const hint = "let the agent's user read and write there, or run the agent as root";
	return new OperationError("path-not-allowed", message, { cause: error, hint });
}

function diskFull(error: unknown, { doing, path, needBytes }: Attempt): OperationError {
	const need = needBytes === undefined ? "more than is left" : `up to ${needBytes} bytes`;
	const message = `${doing} stopped: the disk of ${path} is full; it needs ${need}, free are ${freeText(path)}`;
	return new OperationError("disk-full", message, { cause: error });
}

export function errnoOf(error: unknown): string | undefined {
	if (!(error instanceof Error) || !("code" in error)) return undefined;
	return typeof error.code === "string" ? error.code : undefined;
}

/** Free bytes for this process on the file system that holds `path`. */
export function freeBytesAt(path: string): number {
	const { bavail, bsize } = statfsSync(path);
	return bavail * bsize;
}

function freeText(path: string): string {
	try {
		return `${freeBytesAt(path)} bytes`;
	} catch (error) {
		return `not known (${errnoOf(error) ?? "unreadable"})`;
	}
}

function deniedPath(error: unknown, path: string): string {
	return error instanceof Error && "path" in error && typeof error.path === "string" ? error.path : path;
}
