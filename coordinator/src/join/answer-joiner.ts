import type { TLSSocket } from "node:tls";
import {
	failureReport,
	type JoinAnswer,
	JoinRequest,
	JoinAnswer as joinAnswer,
	maximumJoinLineBytes,
	OperationError,
} from "@davit/protocol";
import { hashToken, type Invitations } from "./invitations.ts";
import type { JoinDoorOptions } from "./open-door.ts";

/** A mistake costs whoever made it; a used token closes its invitation, whether the host came in or not. */
export type Outcome = { readonly kind: "mistake" } | { readonly kind: "used"; readonly secretHash: string };

type Context = Pick<JoinDoorOptions, "invitations" | "admit" | "now" | "log">;

const patienceMs = 10_000;

/** Reads one line, answers one line, and ends the connection. */
export async function answerJoiner(socket: TLSSocket, context: Context): Promise<Outcome> {
	const { log, invitations, now } = context;
	const from = socket.remoteAddress;
	const request = parseRequest(await readLine(socket));
	const host = request === undefined ? undefined : redeem(request, invitations, now());
	if (request === undefined || host === undefined) {
		log.warn({ from }, "refused a joiner with a wrong, used or expired string");
		say(socket, refusal(new OperationError("token-invalid", "the joining string is wrong, used or expired")));
		return { kind: "mistake" };
	}
	const used: Outcome = { kind: "used", secretHash: hashToken(request.token) };
	try {
		if (host !== request.host) {
			throw new OperationError(
				"token-invalid",
				`the joining string is not for a host called ${request.host}`,
			);
		}
		const admitted = await context.admit({ host, publicKey: request.publicKey });
		say(socket, joinAnswer.parse({ version: 1, outcome: "admitted", ...admitted }));
		log.info({ host, from }, "a host joined");
	} catch (error) {
		say(socket, refusal(error));
		log.warn({ host, from, err: error }, "a host could not be let in; its string is used up");
	}
	return used;
}

function redeem({ token }: JoinRequest, invitations: Invitations, nowMs: number) {
	return invitations.redeem(hashToken(token), nowMs);
}

function refusal(error: unknown): JoinAnswer {
	return { version: 1, outcome: "refused", failure: failureReport(error) };
}

function say(socket: TLSSocket, answer: JoinAnswer): void {
	socket.end(`${JSON.stringify(answer)}\n`);
}

/** The first line, or nothing where it is too long, too late, or never ends. */
function readLine(socket: TLSSocket): Promise<string | undefined> {
	return new Promise((resolve) => {
		let text = "";
		const finish = (line: string | undefined) => {
			clearTimeout(timer);
			resolve(line);
		};
		const timer = setTimeout(() => finish(undefined), patienceMs);
		socket.setEncoding("utf8");
		socket.on("data", (chunk: string) => {
			text += chunk;
			const end = text.indexOf("\n");
			if (end >= 0) finish(text.slice(0, end));
			else if (text.length > maximumJoinLineBytes) finish(undefined);
		});
		socket.once("close", () => finish(undefined));
	});
}

function parseRequest(line: string | undefined): JoinRequest | undefined {
	if (line === undefined) return undefined;
	try {
		return JoinRequest.safeParse(JSON.parse(line)).data;
	} catch {
		// Not JSON is answered like any other wrong string.
		return undefined;
	}
}
