import { execFile } from "node:child_process";
import { OperationError } from "@davit/protocol";
import { errnoOf } from "../files/file-failure.ts";

/** Runs a program of the system with these words, without a shell; resolves with what it printed. Tests hand in their own. */
export type RunTool = (argv: readonly [string, ...string[]], signal: AbortSignal) => Promise<string>;

/**
 * @throws OperationError snapshot-refused with the program's own words, or that it is missing
 */
export const runTool: RunTool = ([program, ...words], signal) => {
	const { promise, resolve, reject } = Promise.withResolvers<string>();
	const options = { signal, maxBuffer: 16 * 1024 * 1024 };
	execFile(program, words, options, (error, stdout, stderr) => {
		if (error === null) resolve(stdout);
		else reject(signal.aborted ? signal.reason : refusal(error, { program, stderr }));
	});
	return promise;
};

function refusal(error: Error, { program, stderr }: { readonly program: string; readonly stderr: string }) {
	const said = stderr.trim().split("\n").at(-1) ?? "";
	const why =
		errnoOf(error) === "ENOENT" ? "is not installed" : `said: ${said === "" ? error.message : said}`;
	return new OperationError("snapshot-refused", `${program} ${why}`, { cause: error });
}
