// A picture as a file. The browser draws the PNG from the same SVG.

/** Twice the size on the screen, so that it is sharp in a document. */
const SCALE = 2;

export async function saveSvg(svg: string, name: string): Promise<void> {
  save(new Blob([svg], { type: 'image/svg+xml' }), `${name}.svg`);
}

export async function savePng(svg: string, name: string): Promise<void> {
  const image = new Image();
  // The policy of the page allows images of its own and of `data:`.
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  await image.decode();
  const canvas = document.createElement('canvas');
  canvas.width = image.naturalWidth * SCALE;
  canvas.height = image.naturalHeight * SCALE;
  canvas.getContext('2d')?.drawImage(image, 0, 0, canvas.width, canvas.height);
  const blob = await new Promise<Blob | null>((done) => canvas.toBlob(done, 'image/png'));
  if (!blob) throw new Error('the browser made no picture');
  save(blob, `${name}.png`);
}

function save(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}

/** A name for a file: of any title, without what a file system minds. */
export const fileName = (title: string): string => `tallybook-${title.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, '-').replace(/^-|-$/g, '').slice(0, 60) || 'chart'}`;
