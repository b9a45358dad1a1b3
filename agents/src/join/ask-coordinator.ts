import { createHash, timingSafeEqual } from "node:crypto";
import { connect, type TLSSocket } from "node:tls";
import {
	JoinAnswer,
	type JoinInvitation,
	type JoinRequest,
	maximumJoinLineBytes,
	OperationError,
} from "@davit/protocol";

const patienceMs = 20_000;

export type Admission = Extract<JoinAnswer, { outcome: "admitted" }>;

/**
 * Takes the invitation to its coordinator. Nothing of it, nor anything else, is sent before the certificate was found to be the
 * one whose fingerprint the joining string carries.
 * @throws OperationError fingerprint-mismatch | coordinator-unreachable | cancelled, and what the coordinator refuses with
 */
export async function askCoordinator(
	invitation: JoinInvitation,
	publicKey: string,
	signal: AbortSignal,
): Promise<Admission> {
	const deadline = AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]);
	const socket = connect({
		host: invitation.address,
		port: invitation.port,
		minVersion: "TLSv1.3",
		// No authority vouches for it: the fingerprint does.
		rejectUnauthorized: false,
	});
	const onAbort = () => socket.destroy(new Error("no answer in time", { cause: deadline.reason }));
	deadline.addEventListener("abort", onAbort, { once: true });
	try {
		await secured(socket);
		checkFingerprint(socket, invitation);
		const { token, host } = invitation;
		const request: JoinRequest = { version: 1, token, host, publicKey };
		socket.write(`${JSON.stringify(request)}\n`);
		return readAnswer(await readLine(socket), invitation);
	} catch (error) {
		if (error instanceof OperationError) throw error;
		throw unreachable(error, invitation, signal);
	} finally {
		deadline.removeEventListener("abort", onAbort);
		socket.destroy();
	}
}

function secured(socket: TLSSocket): Promise<void> {
	return new Promise((resolve, reject) => {
		socket.once("secureConnect", () => resolve());
		socket.once("error", reject);
		socket.once("close", () => reject(new Error("it hung up")));
	});
}

function checkFingerprint(socket: TLSSocket, { address, port, fingerprint }: JoinInvitation): void {
	const certificate = socket.getPeerX509Certificate();
	const seen = createHash("sha256")
		.update(certificate?.raw ?? Buffer.alloc(0))
		.digest();
	if (timingSafeEqual(seen, Buffer.from(fingerprint, "hex"))) return;
	throw new OperationError(
		"fingerprint-mismatch",
		`what answers at ${address}:${port} is not the coordinator that made the joining string; nothing was sent to it`,
	);
}

function readLine(socket: TLSSocket): Promise<string> {
	return new Promise((resolve, reject) => {
		let text = "";
		socket.setEncoding("utf8");
		socket.on("data", (chunk: string) => {
			text += chunk;
			const end = text.indexOf("\n");
			if (end >= 0) resolve(text.slice(0, end));
			else if (text.length > maximumJoinLineBytes) reject(new Error("its answer is too long"));
		});
		socket.once("error", reject);
		socket.once("close", () => reject(new Error("it hung up without an answer")));
	});
}

function readAnswer(line: string, { host }: JoinInvitation): Admission {
	const answer = JoinAnswer.parse(JSON.parse(line));
	if (answer.outcome === "refused") {
		const { code, message, hint } = answer.failure;
		throw new OperationError(code, message, { hint });
	}
	if (answer.host === host) return answer;
	throw new OperationError("token-invalid", `the coordinator let in ${answer.host}, but this is ${host}`);
}

function unreachable(error: unknown, { address, port }: JoinInvitation, signal: AbortSignal): OperationError {
	const where = `${address}:${port}`;
	if (signal.aborted)
		return new OperationError("cancelled", `joining at ${where} was cancelled`, { cause: error });
	const why = error instanceof Error ? error.message : String(error);
	return new OperationError(
		"coordinator-unreachable",
		`the coordinator at ${where} did not let us in: ${why}`,
		{
			cause: error,
			hint: "its door is only open for 15 minutes after davit host join NAME; see that this port can be reached from here",
		},
	);
}
