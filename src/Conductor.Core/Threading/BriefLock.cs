using System.Diagnostics.CodeAnalysis;

namespace Conductor.Threading;

/// <summary>
/// A lock for what is over in some nanoseconds and is done for each message or piece of work: who finds it taken spins. Entering and leaving costs a
/// third of what it does with a <see cref="Lock"/>. Not to be entered again by who has it, and nothing of anybody else's is called under it. To be made
/// with <c>new()</c>.
/// </summary>
internal struct BriefLock
{
    private SpinLock _lock;

    /// <summary>A lock that nobody has.</summary>
    public BriefLock() => _lock = new SpinLock(enableThreadOwnerTracking: false);

    /// <summary>Enters it, to be left by disposing of what this returns.</summary>
    [UnscopedRef]
    public Held Enter()
    {
        var isTaken = false;
        _lock.Enter(ref isTaken);
        return new Held(ref _lock);
    }

    /// <summary>The lock, to be left.</summary>
    internal readonly ref struct Held
    {
        private readonly ref SpinLock _lock;

        public Held(ref SpinLock entered) => _lock = ref entered;

        public void Dispose() => _lock.Exit(useMemoryBarrier: false);
    }
}
