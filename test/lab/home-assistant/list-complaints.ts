import { readFile, stat } from "node:fs/promises";

/** Said by every start of a Home Assistant without ffmpeg, a voice assistant or the newest Python, and after every kill: nothing to do with Davit. */
const harmless =
	/Skipping pip installation|running Python version .* is deprecated|haffmpeg|libturbojpeg|'assist_(pipeline|satellite)'|was shutdown cleanly|Ended unfinished session/;

export async function readLength(logPath: string): Promise<number> {
	return (await stat(logPath)).size;
}

/** Lines of WARNING and above that were written behind the first `fromBytes` bytes. */
export async function listComplaints(logPath: string, fromBytes: number): Promise<string[]> {
	const written = (await readFile(logPath)).subarray(fromBytes).toString("utf8");
	return written
		.split("\n")
		.filter((line) => / (WARNING|ERROR|CRITICAL) /.test(line) && !harmless.test(line));
}
