import { type Attachment, demultiplex } from "./attach-to.ts";
import { CreatedReply, ExecReply } from "./replies.ts";
import { type Ask, type AskVersioned, type askStream, readReply } from "./request.ts";

/** A program that runs in a container beside its own. */
export interface Exec extends Pick<Attachment, "said">, Disposable {
	readonly id: string;
}

export interface ExecWish {
	readonly container: string;
	readonly argv: readonly string[];
}

/** What the engine says of one; `pid` as its host sees it, 0 before it began. */
export interface ExecState {
	readonly isRunning: boolean;
	readonly exitCode: number | undefined;
	readonly pid: number;
}

/**
 * Starts a program in a running container with these words, without a shell. It goes on when its output is no longer read.
 * @throws OperationError docker-refused where the container does not run, docker-unreachable
 */
export async function execIn(
	{ container, argv }: ExecWish,
	{ ask, stream, signal }: ExecContext,
): Promise<Exec> {
	const purpose = `run ${argv[0] ?? ""} in container ${container.slice(0, 12)}`;
	const path = `/containers/${encodeURIComponent(container)}/exec`;
	const wish = { Cmd: argv, AttachStdout: true, AttachStderr: true };
	const created = await ask({ method: "POST", path, body: wish, purpose }, signal);
	const { Id: id } = await readReply(created, CreatedReply, purpose);
	const start = { method: "POST", path: `/exec/${id}/start`, purpose } as const;
	const turned = await stream({ ...start, body: { Detach: false, Tty: false } });
	turned.stream.on("error", () => undefined);
	return {
		id,
		said: demultiplex(turned.stream, { head: turned.head, purpose }),
		[Symbol.dispose]: () => void turned.stream.destroy(),
	};
}

export async function lookAtExec(ask: AskVersioned, id: string, signal: AbortSignal): Promise<ExecState> {
	const purpose = "see how a program in a container ended";
	const reply = await ask({ method: "GET", path: `/exec/${id}/json`, purpose }, signal);
	const { Running, ExitCode, Pid } = await readReply(reply, ExecReply, purpose);
	return { isRunning: Running, exitCode: ExitCode ?? undefined, pid: Pid };
}

interface ExecContext {
	readonly ask: AskVersioned;
	readonly stream: (ask: Ask) => ReturnType<typeof askStream>;
	readonly signal: AbortSignal;
}
