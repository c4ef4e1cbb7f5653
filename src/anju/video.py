"""Video as a node's configuration has it: the processes where pictures flow, and where the console finds them.

Source: 5.4.1, 5.4.2 (live video).
"""

from anju.config import Config
from anju.web.streams import Doors


def viewers_of(config: Config) -> Doors | None:
    """Return where the console finds pictures; None on a node without video."""
    video = config.video
    return Doors(video.viewers, video.workers, config.web.tls) if video else None
