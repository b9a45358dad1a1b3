/** A QR code as SVG, whose text is in capitals where a shorter code is wished for. */
export async function drawCode(text: string): Promise<string> {
	const { renderSVG } = await import("uqr");
	return renderSVG(text, { ecc: "M", border: 2, pixelSize: 4 });
}
