import { parsePolicy, RetentionPolicy } from "@davit/protocol";
import type { SimulationWanted } from "../desk.ts";
import { read } from "./read-content.ts";
import { Refusal } from "./refusal.ts";
import { policyOfFields } from "./schedule-acts.ts";

const usualDays = 90;

/** `?of=nightly&days=90&policy=daily=7,weekly=4`, or with a field for each rule. @throws Refusal 400 */
export function readSimulation(query: URLSearchParams, name?: string): SimulationWanted {
	const of = name ?? query.get("of")?.trim() ?? "";
	if (of === "") throw new Refusal(400, "a simulation is of a schedule or an address, and none was given");
	const days = query.get("days")?.trim() || String(usualDays);
	const policy = readPolicy(query);
	return { of, days: Number(days), ...(policy === undefined ? {} : { policy }) };
}

function readPolicy(query: URLSearchParams): RetentionPolicy | undefined {
	const text = query.get("policy")?.trim() ?? "";
	if (text === "") {
		const fields = policyOfFields((field) => query.get(field));
		return fields === undefined ? undefined : read(RetentionPolicy, { content: fields });
	}
	try {
		return parsePolicy(text);
	} catch (error) {
		if (!(error instanceof RangeError)) throw error;
		throw new Refusal(400, `the policy cannot be used: ${error.message}`, {
			cause: error,
			hint: "davit help retention",
		});
	}
}
