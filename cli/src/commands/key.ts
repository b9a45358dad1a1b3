import { resolve } from "node:path";
import { usageError } from "../command-error.ts";
import { type Context, type Invocation, textOption } from "../context.ts";
import { writeAnswer } from "../output/write.ts";
import { keepKeys, type ShownKeys } from "../start/keep-keys.ts";

/** Shows which archives this host opens, and for whom it encrypts. */
export async function listKeys(_invocation: Invocation, context: Context): Promise<number> {
	return answer(await keepKeys(["list"], context), context);
}

/** Lets this host open what the keys in a file open: those of a recovery kit, or of a host that is gone. */
export async function addKey(invocation: Invocation, context: Context): Promise<number> {
	const file = textOption(invocation, "identityFile");
	if (file === undefined) {
		throw usageError("key add needs the file that holds the key", "davit key add --identity-file kit.txt");
	}
	return answer(await keepKeys(["add", "--identity-file", resolve(file)], context), context);
}

/** Makes a new key of this host for archives from now on; the old ones stay. */
export async function rotateKey(_invocation: Invocation, context: Context): Promise<number> {
	return answer(await keepKeys(["rotate"], context), context);
}

function answer({ fresh, opens, encryptsFor }: ShownKeys, context: Context): number {
	const lines = [
		...fresh.map((recipient) => `new           ${recipient}`),
		...opens.map((recipient) => `opens         ${recipient}`),
		...encryptsFor.map((recipient) => `encrypts for  ${recipient}`),
		...(encryptsFor.length === 0
			? ["encrypts      nothing: there is no recovery key yet (davit recovery-kit)"]
			: []),
	];
	const text = lines.join("\n");
	writeAnswer(context, { document: { schema: "davit/text/1", text }, ids: fresh, text: () => text });
	return 0;
}
