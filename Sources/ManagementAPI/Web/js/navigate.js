// Going to another page, and naming the one that is shown.
export const go = (address) => { location.hash = address; };

export function title(text) { document.title = `${text} - Gatehouse`; }
