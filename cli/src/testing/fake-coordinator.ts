import { mkdir } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { join } from "node:path";
import type { RunDocument } from "@davit/protocol";
import * as documents from "./documents.ts";

export interface Asked {
	readonly method: string;
	readonly path: string;
	readonly body: unknown;
}

export interface FakeCoordinator extends AsyncDisposable {
	readonly asked: readonly Asked[];
	/** What `/runs/R` answers first, and then each time it is called with another. */
	tellRun(document: RunDocument): void;
	/** Answers this instead, for a path. */
	answerWith(path: string, document: unknown): void;
	/** Resolves when a path was asked for. */
	until(path: string): Promise<void>;
}

/** A coordinator that only talks: it serves documents on a home's socket as coordinator/src/http does. */
export async function openFakeCoordinator(home: string): Promise<FakeCoordinator> {
	const asked: Asked[] = [];
	const answers = new Map<string, unknown>();
	const waiting = new Map<string, () => void>();
	const streams = new Set<ServerResponse>();
	let current = documents.runDocument("succeeded", { archive: "7f3a0c11d2" });

	const answerTo = (path: string): unknown => {
		const url = new URL(path, "http://localhost");
		if (answers.has(url.pathname)) return answers.get(url.pathname);
		return usual(url, current);
	};

	const server = createServer((request, response) => {
		void answer(request, response);
	});
	const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
		const chunks: Uint8Array[] = [];
		for await (const chunk of request) chunks.push(chunk);
		const path = request.url ?? "/";
		const text = Buffer.concat(chunks).toString();
		asked.push({ method: request.method ?? "", path, body: text === "" ? undefined : JSON.parse(text) });
		waiting.get(path)?.();
		if (request.headers.accept === "text/event-stream") {
			response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
			response.write(`: hello\n\ndata: ${JSON.stringify(current)}\n\n`);
			streams.add(response);
			response.on("close", () => streams.delete(response));
			return;
		}
		const document = answerTo(path);
		const isError = typeof document === "object" && document !== null && "exitCode" in document;
		response.writeHead(isError ? 404 : 200, { "content-type": "application/json" });
		response.end(typeof document === "string" ? document : JSON.stringify(document));
	};
	await mkdir(join(home, "run"), { recursive: true });
	await new Promise<void>((resolve) => server.listen(join(home, "run", "davit.sock"), resolve));

	return {
		asked,
		tellRun(document) {
			current = document;
			for (const stream of streams) stream.write(`data: ${JSON.stringify(document)}\n\n`);
		},
		answerWith: (path, document) => answers.set(path, document),
		async until(path) {
			if (asked.some((call) => call.path === path)) return;
			await new Promise<void>((resolve) => waiting.set(path, resolve));
		},
		async [Symbol.asyncDispose]() {
			server.closeAllConnections();
			await new Promise((resolve) => server.close(resolve));
		},
	};
}

/** What a coordinator of one host with one volume answers. */
function usual(url: URL, run: RunDocument): unknown {
	const path = url.pathname;
	if (path === "/resolve") return documents.address(url.searchParams.get("address") ?? "");
	if (path.startsWith("/runs/")) return run;
	if (path.endsWith("/apply")) return documents.started();
	if (path.startsWith("/plans")) return documents.plan("ready");
	const fixed: Readonly<Record<string, () => unknown>> = {
		"/": () => documents.status(),
		"/requests": () => documents.started(),
		"/hosts": () => documents.hosts,
		"/hosts/nas": () => documents.host,
		"/archives": () => documents.archives,
	};
	return fixed[path]?.() ?? documents.address(path);
}
