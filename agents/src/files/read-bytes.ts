/** Bytes of a stream in the pieces that are asked for; copies only what spans two chunks. */
export class ByteSource {
	readonly #chunks: AsyncIterator<Uint8Array>;
	readonly #truncated: () => Error;
	#chunk: Buffer = Buffer.alloc(0);
	#at = 0;

	/** `truncated` is thrown where the stream ends before what was asked for. */
	constructor(chunks: AsyncIterable<Uint8Array>, truncated: () => Error) {
		this.#chunks = chunks[Symbol.asyncIterator]();
		this.#truncated = truncated;
	}

	/** Between 1 and `maximum` bytes; undefined at the end. They are good until the next call. */
	async some(maximum: number): Promise<Buffer | undefined> {
		while (this.#at === this.#chunk.length) {
			const next = await this.#chunks.next();
			if (next.done === true) return undefined;
			this.#chunk = Buffer.from(next.value.buffer, next.value.byteOffset, next.value.byteLength);
			this.#at = 0;
		}
		const part = this.#chunk.subarray(this.#at, this.#at + maximum);
		this.#at += part.length;
		return part;
	}

	/** Exactly `bytes` bytes, where the present chunk holds them all: nothing to wait for. They are good until the next call. */
	takeNow(bytes: number): Buffer | undefined {
		if (this.#chunk.length - this.#at < bytes) return undefined;
		this.#at += bytes;
		return this.#chunk.subarray(this.#at - bytes, this.#at);
	}

	/** Exactly `bytes` bytes. They are good until the next call. */
	async take(bytes: number): Promise<Buffer> {
		const now = this.takeNow(bytes);
		if (now !== undefined) return now;
		const taken = Buffer.allocUnsafe(bytes);
		for (let at = 0; at < bytes; ) {
			const part = await this.someOrThrow(bytes - at);
			taken.set(part, at);
			at += part.length;
		}
		return taken;
	}

	async someOrThrow(maximum: number): Promise<Buffer> {
		const part = await this.some(maximum);
		if (part === undefined) throw this.#truncated();
		return part;
	}

	/** Whether the present chunk holds as many. */
	skipNow(bytes: number): boolean {
		const isHere = this.#chunk.length - this.#at >= bytes;
		if (isHere) this.#at += bytes;
		return isHere;
	}

	async skip(bytes: number): Promise<void> {
		for (let left = bytes; left > 0; ) left -= (await this.someOrThrow(left)).length;
	}

	/** Lets the stream close when it is left early. */
	async close(): Promise<void> {
		await this.#chunks.return?.();
	}
}
