/** Of a person's mood, for made-up names. */
export const MOODS = (
  'able agile airy alert amber ample apt avid balmy blithe bold bonny brave breezy bright brisk calm candid cheery civil ' +
  'clear clever cosy crisp curious dapper daring dear deft eager early earnest easy fair famed fond frank free fresh gentle ' +
  'glad golden grand handy happy hardy hasty hearty honest humble ideal jolly jovial just keen kind lively loyal lucid lucky ' +
  'mellow merry mild modest neat nimble noble patient placid plucky polite proud quick quiet ready robust rosy serene sharp ' +
  'silent sincere sleek smart snug sober spry stable steady sunny sure swift tidy tender thrifty trusty upbeat vivid warm wise witty zesty'
).split(' ');

/** Surnames that were trades once. */
export const TRADES = (
  'archer arkwright baker barber bowyer brewer butler carter carver chandler chapman clark cooper currier cutler draper dyer falconer ' +
  'farrier fisher fletcher forester fowler fuller gardener glazier glover granger harper hayward hooper hunter joiner keeler lister ' +
  'lorimer marshall mason mercer miller milner napier nailer page painter palmer parker parson piper plumber porter potter quarrier ' +
  'reader reeve rider ropers saddler salter sawyer sexton shepherd shipman singer skinner slater smith spencer spicer spooner steward ' +
  'tailor tanner thatcher tiller tinker todd tucker turner tyler vintner wagoner walker waller warden weaver webster wheeler whittaker wright yeoman'
).split(' ');
