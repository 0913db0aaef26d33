namespace Policies;

/// <summary>Counts how many clerks work at the same time. Thread-safe.</summary>
internal sealed class Office
{
    private readonly Lock _gate = new();
    private int _present;
    private int _most;

    /// <summary>A clerk begins to work; disposing what it returns ends that.</summary>
    public IDisposable Enter()
    {
        lock (_gate)
        {
            _most = Math.Max(_most, ++_present);
        }

        return new Presence(this);
    }

    /// <summary>The most that worked at once since it was asked last.</summary>
    public int TakeMost()
    {
        lock (_gate)
        {
            var most = _most;
            _most = _present;
            return most;
        }
    }

    private void Leave()
    {
        lock (_gate)
        {
            _present--;
        }
    }

    private sealed class Presence(Office office) : IDisposable
    {
        public void Dispose() => office.Leave();
    }
}
