/** The `data` of each server-sent event in a stream of UTF-8 (WHATWG HTML 9.2.6); comments and other fields are passed over. */
export async function* readEvents(stream: AsyncIterable<unknown>): AsyncGenerator<string> {
	const decoder = new TextDecoder();
	let rest = "";
	let lines: string[] = [];
	for await (const chunk of stream) {
		if (!(chunk instanceof Uint8Array)) continue;
		rest += decoder.decode(chunk, { stream: true });
		const parts = rest.split(/\r\n|\n|\r/);
		rest = parts.pop() ?? "";
		for (const line of parts) {
			if (line === "") {
				if (lines.length > 0) yield lines.join("\n");
				lines = [];
			} else if (line.startsWith("data:")) {
				lines.push(line.slice(line.startsWith("data: ") ? 6 : 5));
			}
		}
	}
}
