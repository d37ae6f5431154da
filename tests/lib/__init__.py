"""What the tests share: servers, invented instances, small tables, and the independent oracle. It holds no test."""
