import { OperationError } from "../failures.ts";
import type { Attempt } from "./connection.ts";

/** The broker does not speak this version of MQTT; another may do. */
export class VersionRefused extends Error {
	override readonly name = "VersionRefused";
}

/** Another client connected with the same client id, which ends the older connection. */
export class TakenOver extends Error {
	override readonly name = "TakenOver";
	constructor() {
		super("another program connected with the same client id");
	}
}

/** Why there is no connection; `error` is the last that was seen, if any. */
export function connectFailure(
	error: Error | undefined,
	{ options, protocol, signal }: Pick<Attempt, "options" | "protocol" | "signal">,
): Error {
	const where = describeUrl(options.url);
	if (signal.aborted)
		return new OperationError("cancelled", `connecting to the broker ${where} was cancelled`);
	const code = reasonCode(error);
	// Some old brokers hang up on what they do not know, instead of saying so.
	const isHungUpOn5 = protocol === 5 && error === undefined;
	if (code === 1 || code === 132 || isHungUpOn5)
		return new VersionRefused(`${where} does not speak MQTT ${protocol}`);
	if (code !== undefined && refusals.has(code)) {
		return new OperationError(
			"broker-refused",
			`the broker ${where} refused the user ${options.username ?? "(none)"}: ${error?.message ?? code}`,
			{ cause: error },
		);
	}
	const why = error === undefined ? "it hung up" : error.message || String(Reflect.get(error, "code"));
	return new OperationError("broker-unreachable", `the broker ${where} could not be reached: ${why}`, {
		cause: error,
	});
}

// CONNACK: 3.1.1 section 3.2.2.3 and MQTT 5 section 3.2.2.2; client id or user or password wrong, or not authorised, or banned.
const refusals: ReadonlySet<number> = new Set([2, 4, 5, 133, 134, 135, 138]);

function reasonCode(error: Error | undefined): number | undefined {
	const code: unknown = error === undefined ? undefined : Reflect.get(error, "code");
	return typeof code === "number" ? code : undefined;
}

/** The broker's address without a password that someone may have written into it. */
export function describeUrl(url: string): string {
	const { protocol, host } = new URL(url);
	return `${protocol}//${host}`;
}

// MQTT 5, 3.14.2.1
const sessionTakenOver = 142;

/** Why the broker said goodbye. */
export function disconnectFailure(reasonCode: number): Error {
	if (reasonCode === sessionTakenOver) return new TakenOver();
	if (reasonCode === 139) return new Error("the broker is shutting down");
	if (reasonCode === 149) return new Error("the broker found a message too large");
	return new Error(`the broker ended it with reason ${reasonCode}`);
}

/** Turns what mqtt.js rejected with into a failure of `what`. */
export function failureOf(what: string) {
	return (error: unknown): never => {
		const code = reasonCode(error instanceof Error ? error : undefined);
		if (code === undefined) {
			throw new OperationError("broker-unreachable", `${what} was cut off`, { cause: error });
		}
		throw new OperationError("broker-refused", `the broker refused ${what} with reason ${code}`, {
			cause: error,
			hint: "look at the access rules of this account on the broker",
		});
	};
}
