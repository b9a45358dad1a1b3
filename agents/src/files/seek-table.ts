/** One independent zstd frame of a file. */
export interface Frame {
	readonly storedBytes: number;
	readonly contentBytes: number;
}

/** The zstd seekable format, version 0.1.0: a skippable frame at the end that says where each frame begins. */
const skippableMagic = 0x184d2a5e;
const seekableMagic = 0x8f92eab1;
const footerBytes = 9;
const headBytes = 8;
const rowBytes = 8;
export const frameMagic = 0xfd2fb528;
/** What no frame of ours passes; larger is not ours. */
const maximumFrameBytes = 16 * 1024 * 1024;

export function seekTable(frames: readonly Frame[]): Buffer {
	const table = Buffer.alloc(headBytes + frames.length * rowBytes + footerBytes);
	table.writeUInt32LE(skippableMagic, 0);
	table.writeUInt32LE(table.length - headBytes, 4);
	let at = headBytes;
	for (const { storedBytes, contentBytes } of frames) {
		table.writeUInt32LE(storedBytes, at);
		table.writeUInt32LE(contentBytes, at + 4);
		at += rowBytes;
	}
	table.writeUInt32LE(frames.length, at);
	table.writeUInt32LE(seekableMagic, at + 5);
	return table;
}

/** How long the table at the end of a file is, from the file's last bytes; undefined when there is none. */
export function seekTableBytes(tail: Buffer): number | undefined {
	if (tail.length < footerBytes) return undefined;
	const footer = tail.subarray(tail.length - footerBytes);
	if (footer.readUInt32LE(5) !== seekableMagic || footer.readUInt8(4) !== 0) return undefined;
	return headBytes + footer.readUInt32LE(0) * rowBytes + footerBytes;
}

export const seekFooterBytes = footerBytes;

/** The frames of a table that fill exactly `storedBytes` bytes before it; undefined when it does not add up. */
export function readSeekTable(table: Buffer, storedBytes: number): Frame[] | undefined {
	if (table.readUInt32LE(0) !== skippableMagic) return undefined;
	if (table.readUInt32LE(4) !== table.length - headBytes) return undefined;
	const frames: Frame[] = [];
	let sum = 0;
	for (let at = headBytes; at < table.length - footerBytes; at += rowBytes) {
		const frame = { storedBytes: table.readUInt32LE(at), contentBytes: table.readUInt32LE(at + 4) };
		if (frame.contentBytes === 0 || frame.contentBytes > maximumFrameBytes) return undefined;
		if (frame.storedBytes > maximumFrameBytes) return undefined;
		sum += frame.storedBytes;
		frames.push(frame);
	}
	return sum === storedBytes ? frames : undefined;
}
