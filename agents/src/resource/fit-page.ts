import { maximumMessageBytes } from "@davit/protocol";

/** What an answer's rows may take, so that the report around them stays one message. */
const roomBytes = maximumMessageBytes - 8 * 1024;

/** As many of the rows as one message holds, and never none. */
export function fitPage<Row>(rows: readonly Row[]): Row[] {
	let bytes = 0;
	const tooMany = rows.findIndex((row, index) => {
		bytes += Buffer.byteLength(JSON.stringify(row)) + 1;
		return index > 0 && bytes > roomBytes;
	});
	return rows.slice(0, tooMany === -1 ? rows.length : tooMany);
}
