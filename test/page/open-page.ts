import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openServer, type Server, type ServerOptions } from "@davit/coordinator/http/server.ts";
import type { Logger } from "@davit/protocol";
import { type MemoryDesk, openMemoryDesk } from "./desk.ts";
import { epochMs } from "./fleet.ts";

export interface OpenPage extends AsyncDisposable {
	readonly server: Server;
	readonly desk: MemoryDesk;
	readonly socketPath: string;
	/** What the server called a defect. */
	readonly defects: object[];
	/** A cookie of a browser that came in by a one-time link. */
	enter(): Promise<string>;
	/** Moves the server's clock. */
	pass(ms: number): void;
}

/** The coordinator's real server over a desk in memory, on a free port and a socket of its own. */
export async function openPage({
	desk,
	...options
}: Partial<Omit<ServerOptions, "desk">> & { desk?: MemoryDesk } = {}): Promise<OpenPage> {
	await using stack = new AsyncDisposableStack();
	const folder = await mkdtemp(join(tmpdir(), "davit-page-"));
	stack.defer(() => rm(folder, { recursive: true, force: true }));
	const socketPath = join(folder, "run", "davit.sock");
	const defects: object[] = [];
	let nowMs = epochMs;
	const now = () => nowMs;
	const opened = desk ?? openMemoryDesk(undefined, now);
	const server = await openServer({
		desk: opened,
		http: { host: "127.0.0.1", port: 0 },
		socketPath,
		log: logTo(defects),
		now,
		isHistoryWritable: () => true,
		...options,
	});
	stack.use(server);
	const release = stack.move();
	return {
		server,
		desk: opened,
		socketPath,
		defects,
		enter: () => enterByLink(server),
		pass: (ms) => {
			nowMs += ms;
		},
		[Symbol.asyncDispose]: () => release.disposeAsync(),
	};
}

async function enterByLink(server: Server): Promise<string> {
	const response = await fetch(server.makePageLink(), { headers: { accept: "text/html" } });
	await response.body?.cancel();
	return (response.headers.get("set-cookie") ?? "").split(";")[0] ?? "";
}

function logTo(defects: object[]): Logger {
	const ignore = () => undefined;
	return { debug: ignore, info: ignore, warn: ignore, error: (context) => defects.push(context) };
}
