//! The pages' one style sheet: light and dark, screen and paper.

/// Colours are told apart by shape as well; every text has a contrast of at least 4.5 to its ground.
pub(crate) const CSS: &str = "
:root{color-scheme:light dark;--ground:#fcfcfd;--card:#fff;--ink:#16202c;--soft:#55616f;--line:#dfe4ea;--band:#d5e2f2;--touch:#7d97b8;--rest:#1f5fbf;--cross:#b3470a;--fill:#0b7a55;--bad:#b3261e;--good:#0b6b4a;--open:#7a5b00;--shade:#f1f4f8}
@media (prefers-color-scheme:dark){:root{--ground:#11161d;--card:#171e27;--ink:#e8edf3;--soft:#9fadbd;--line:#2c3744;--band:#26405f;--touch:#6f93bd;--rest:#7db3ff;--cross:#ff9d5c;--fill:#4fd6a4;--bad:#ff8a80;--good:#4fd6a4;--open:#ffd166;--shade:#1d2631}}
*{box-sizing:border-box}
html{background:var(--ground);color:var(--ink);font:15px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif;-webkit-text-size-adjust:100%}
body{margin:0 auto;max-width:1060px;padding:28px 20px 60px}
h1{font-size:26px;line-height:1.25;margin:0;letter-spacing:-.01em;overflow-wrap:anywhere}
h2{font-size:19px;margin:44px 0 6px;letter-spacing:-.005em}
h3{font-size:16px;margin:0}
p{margin:6px 0;max-width:76ch}
a{color:var(--rest)}
.soft,figcaption,.note{color:var(--soft);font-size:13.5px}
.head{display:flex;gap:12px;align-items:baseline;flex-wrap:wrap}
.pill{font-size:13px;font-weight:600;padding:2px 10px;border-radius:99px;border:1.5px solid currentColor;white-space:nowrap}
.good{color:var(--good)}.bad{color:var(--bad)}.open{color:var(--open)}
.lead{font-size:17px;margin:14px 0 0;max-width:70ch}
nav{margin:14px 0 0;font-size:14px;display:flex;gap:14px;flex-wrap:wrap}
.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(150px,1fr));gap:10px;margin:20px 0 0;padding:0;list-style:none}
.cards li{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:10px 12px}
.cards b{display:block;font-size:20px;font-weight:600;font-variant-numeric:tabular-nums;white-space:nowrap}
.cards b.long{font-size:14px;line-height:30px}
.cards a{color:var(--soft);font-size:13px;text-decoration:none}
.cards a:hover{text-decoration:underline}
.n{font-variant-numeric:tabular-nums;cursor:help}
.none{color:var(--soft);position:relative}
.hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.wide{overflow-x:auto;margin:10px 0;container-type:inline-size}
.wide:focus-visible{outline:2px solid var(--rest);outline-offset:2px}
table{border-collapse:collapse;width:100%;font-size:14px}
caption{text-align:left;color:var(--soft);font-size:13.5px;padding:0 0 6px;max-width:100cqi}
th,td{padding:5px 10px 5px 0;text-align:left;border-bottom:1px solid var(--line);vertical-align:top}
th{font-weight:600;color:var(--soft);font-size:13px;white-space:nowrap}
th a{color:inherit}
.r{text-align:right}
td.r{white-space:nowrap}
figure{margin:10px 0 0}
svg{display:block;font:11px system-ui,-apple-system,'Segoe UI',Roboto,Arial,sans-serif}
svg text{fill:var(--ink)}
figure>svg{overflow:visible;margin-left:64px;width:calc(100% - 80px)}
figure>svg.bars{width:calc(100% - 150px)}
svg path{vector-effect:non-scaling-stroke}
.mark{overflow:visible}
svg .tick{fill:var(--soft)}
svg g:focus{outline:2px solid var(--rest);outline-offset:3px}
.grid,.axis{stroke:var(--line);stroke-width:1;fill:none}
.axis{stroke:var(--soft)}
.band{fill:var(--band);stroke:none;opacity:.75}
.touch{fill:none;stroke:var(--touch);stroke-width:1}
.arrival{fill:none;stroke:var(--soft);stroke-width:1.5;stroke-dasharray:6 4}
.rest,.cross{fill:none;stroke:var(--rest);stroke-width:2.5}
.cross{stroke:var(--cross);stroke-dasharray:3 2}
.escalation{fill:none;stroke:var(--cross);stroke-width:1.2;stroke-dasharray:2 3}
circle.fill{fill:var(--fill);stroke:var(--card);stroke-width:1.2}
.cancel{fill:none;stroke:var(--bad);stroke-width:1.3}
.span{stroke:var(--touch);stroke-width:4;stroke-linecap:round;opacity:.55}
.timeline .rest,.timeline .cross{stroke-width:2;stroke-dasharray:none}
.phase{fill:var(--shade)}.phase.even{fill:none}
.paid{fill:var(--cross)}.earned{fill:var(--fill)}
.moved{stroke:var(--touch);stroke-width:2}
.before{fill:var(--card);stroke:var(--soft);stroke-width:1.6}
.after{fill:var(--fill)}
.target{stroke:var(--ink);stroke-width:2}
.legend{display:flex;flex-wrap:wrap;gap:4px 18px;list-style:none;padding:0;margin:8px 0 0;font-size:13px;color:var(--soft)}
.legend li{display:flex;align-items:center;gap:6px}
.legend svg{width:28px;height:14px}
article{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:16px 18px;margin:14px 0}
dl.facts{display:grid;grid-template-columns:repeat(auto-fill,minmax(128px,1fr));gap:8px 16px;margin:10px 0}
dl.facts dt{color:var(--soft);font-size:12.5px}
dl.facts dd{margin:0;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
ul.why{margin:8px 0;padding-left:20px}
code{font:12.5px ui-monospace,'SF Mono',Menlo,Consolas,monospace;overflow-wrap:anywhere}
details summary{cursor:pointer;color:var(--soft);font-size:13.5px;margin:8px 0 0}
dl.terms dt{font-weight:600;margin-top:10px}
dl.terms dd{margin:0}
.empty{border:1px dashed var(--line);border-radius:8px;padding:12px 14px;color:var(--soft)}
@media print{:root{color-scheme:light;--ground:#fff;--card:#fff;--ink:#000;--soft:#444;--line:#ccc;--band:#dbe6f3;--touch:#7d97b8;--rest:#1f5fbf;--cross:#b3470a;--fill:#0b7a55;--bad:#b3261e;--good:#0b6b4a;--open:#7a5b00;--shade:#f1f4f8}
body{max-width:none;padding:0}nav{display:none}article,figure,table,.cards{break-inside:avoid}h2{break-after:avoid}*{print-color-adjust:exact;-webkit-print-color-adjust:exact}.wide{overflow:visible}table{font-size:11px}th,caption{font-size:10.5px}th,td{padding-right:6px}thead th{white-space:normal;vertical-align:bottom}}
@media screen and (max-width:560px){body{padding:18px 12px 40px}article{padding:12px}.slim{display:none}.wide th[scope=row],.wide:has(th[scope=row]) thead th:first-child{position:sticky;left:0;background:var(--ground)}article .wide th[scope=row],article .wide:has(th[scope=row]) thead th:first-child{background:var(--card)}figure>svg{margin-left:58px;width:calc(100% - 74px)}figure>svg.bars{width:calc(100% - 130px)}}
";
