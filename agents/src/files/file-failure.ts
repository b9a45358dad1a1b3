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
export function fileFailure(error: unknown, { doing, path, needBytes }: Attempt): unknown {
	const code = errnoOf(error);
	switch (code) {
		case "ENOSPC":
		case "EDQUOT": {
			const need = needBytes === undefined ? "more than is left" : `up to ${needBytes} bytes`;
			return new OperationError(
				"disk-full",
				`${doing} stopped: the disk of ${path} is full; it needs ${need}, free are ${freeText(path)}`,
				{ cause: error },
			);
		}
		case "EROFS":
			return new OperationError("path-not-allowed", `${doing} failed: the disk of ${path} can only be read`, {
				cause: error,
				hint: "mount that disk so that it can be written, then try again",
			});
		case "EACCES":
		case "EPERM":
			return new OperationError(
				"path-not-allowed",
				`${doing} failed: no permission for ${deniedPath(error, path)}`,
				{
					cause: error,
					hint: "let the agent's user read and write there, or run the agent as root",
				},
			);
		default:
			return error;
	}
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
