using System.Collections.ObjectModel;

namespace Conductor.Benchmarks.Peers.Contenders.Ours;

/// <summary>A collection for the in-memory exporter that keeps the last item: millions of spans would measure the collector's work with them.</summary>
internal sealed class LastOnly<T> : Collection<T>
{
    public bool IsFilled { get; private set; }

    protected override void InsertItem(int index, T item)
    {
        if (IsFilled)
        {
            SetItem(0, item);
        }
        else
        {
            base.InsertItem(0, item);
            IsFilled = true;
        }
    }
}
