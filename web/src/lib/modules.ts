/** The modules of a QR code as a node tells them: rows in hexadecimal digits, the leftmost module in the highest bit. */
export interface CodeModules {
  side: number;
  rows: string[];
}

/** An SVG path of its dark modules, one run a step. Rows that are damaged draw nothing. */
export function modulesPath({ side, rows }: CodeModules): string {
  let path = '';
  rows.slice(0, side).forEach((row, y) => {
    const dark = (x: number) => (parseInt(row[x >> 2] ?? '0', 16) >> (3 - (x & 3))) & 1;
    for (let x = 0; x < side; ++x) {
      if (!dark(x)) continue;
      let end = x;
      while (end < side && dark(end)) ++end;
      path += `M${x} ${y}h${end - x}v1h${x - end}z`;
      x = end;
    }
  });
  return path;
}
