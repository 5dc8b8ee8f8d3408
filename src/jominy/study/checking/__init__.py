"""Is a run normal: logs against what healthy runs do."""

from jominy.study.checking.check import Cause as Cause
from jominy.study.checking.check import Verdict as Verdict
from jominy.study.checking.check import check as check
from jominy.study.checking.companion import Companion as Companion
