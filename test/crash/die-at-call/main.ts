import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";

// node --import main.ts PROGRAM: the program is killed, as by a power cut, before its Nth call that opens, writes or names a file.
// N is DAVIT_DIE_AT; calls count from the first on whose path holds DAVIT_DIE_WITHIN.

const dieAt = Number(process.env["DAVIT_DIE_AT"] ?? "0");
const within = process.env["DAVIT_DIE_WITHIN"] ?? "";
let calls = 0;

type Call = (...given: never[]) => Promise<unknown>;

function mortal(call: Call, isMeant: (given: readonly unknown[]) => boolean): Call {
	return (...given) => {
		if (isMeant(given)) {
			calls += 1;
			if (calls === dieAt) process.kill(process.pid, "SIGKILL");
		}
		return call(...given);
	};
}

const isWithin = (given: readonly unknown[]) =>
	given.some((one) => typeof one === "string" && one.includes(within));
// Whatever has these names there takes what it is given and answers with a promise.
const promises = fs.promises as unknown as Record<string, Call>;
for (const name of ["rename", "link", "mkdir", "rm", "unlink"]) {
	const call = promises[name];
	if (call !== undefined) promises[name] = mortal(call.bind(fs.promises), isWithin);
}
const open = fs.promises.open.bind(fs.promises);
promises["open"] = mortal(async (...given: Parameters<typeof open>) => {
	const handle = await open(...given);
	if (!isWithin(given)) return handle;
	const methods = handle as unknown as Record<string, Call>; // the same: methods that answer with a promise
	for (const name of ["writeFile", "sync", "chmod"]) {
		const call = methods[name];
		if (call !== undefined) methods[name] = mortal(call.bind(handle), () => true);
	}
	return handle;
}, isWithin);
syncBuiltinESMExports();
