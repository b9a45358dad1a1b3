import {
	lookingVerbs,
	OperationError,
	type PrincipalName,
	type Verb,
	verbOf,
	type WorkName,
} from "@davit/protocol";

/** What each principal may ask for. Who is not listed may ask for nothing. */
const allowed: Readonly<Record<string, readonly Verb[]>> = {
	"home-assistant": ["backup", "verify", "drill"],
	schedule: ["backup", "prune", "check"],
	...Object.fromEntries(
		["cli", "page", "operator"].map((door) => [
			door,
			["backup", "verify", "drill", "plan", "restore", "undo", "prune", "keep", "check", ...lookingVerbs],
		]),
	),
};

/** Only these are believed on the broker; all other principals come through a door of this machine. */
const onBroker: readonly string[] = ["home-assistant"];

const listed = new Intl.ListFormat("en-GB", { type: "conjunction" });

/** @throws OperationError not-allowed */
export function authorise(principal: PrincipalName, operation: WorkName): void {
	const verbs = Object.hasOwn(allowed, principal) ? allowed[principal] : undefined;
	if (verbs?.includes(rightFor(operation))) return;
	throw new OperationError("not-allowed", `${principal} may not ask for ${operation}`, {
		hint: verbs === undefined ? "ask as the operator" : `it may ask for ${listed.format(verbs)}`,
	});
}

/** Who may restore may make a copy beside the original too: it touches less. */
function rightFor(operation: WorkName): Verb {
	const verb = verbOf(operation);
	return verb === "copy" ? "restore" : verb;
}

/** Whether `principal` may change what is kept: schedules, hosts, accounts. @throws OperationError not-allowed */
export function authoriseOperator(principal: PrincipalName, what: string): void {
	if (["cli", "page", "operator"].includes(principal)) return;
	throw new OperationError("not-allowed", `${principal} may not ${what}`);
}

export function mayAskOnBroker(principal: PrincipalName): boolean {
	return onBroker.includes(principal);
}
